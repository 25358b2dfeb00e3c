"""Sessions that come to a state through the webhook, and a real mail server that fails as told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from kyc.models import Contact, Session
from tests import logged, wire
from tests.factories import ContactFactory
from tests.notifications.server import MailServer
from tests.server import database_url


def told(name: str, *, session_id: UUID | None = None, at: datetime | None = None, **data: Any) -> Session:
    """Post an event of Ralio's and return the session as it is then."""
    event = wire.payload(name, session_id=session_id or uuid4(), at=at or timezone.now(), **data)
    response = wire.post(event)
    assert response.status_code == 200, response.content
    return Session.objects.get(pk=event["data"]["sessionId"])


@pytest.fixture
def review(db: None) -> Callable[..., Session]:
    """`review(session_id=…, at=…)`: a manual review event, arrived through the webhook."""
    return lambda **data: told("kyc_session_manual_review", **data)


@pytest.fixture
def reject(db: None) -> Callable[..., Session]:
    return lambda **data: told("kyc_session_failed", **data)


@pytest.fixture
def verify(db: None) -> Callable[..., Session]:
    return lambda **data: told("kyc_session_verified", **data)


@pytest.fixture
def contact(db: None) -> Contact:
    return ContactFactory(email="subject@example.test")


@pytest.fixture
def days_ago() -> Callable[[float], datetime]:
    return lambda days: timezone.now() - timedelta(days=days)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server on this machine, and the desk set to send through it."""
    with MailServer() as running:
        settings.MAILERS = running.mailers
        yield running


# --- Real workers --------------------------------------------------------------------------------
@pytest.fixture
def worker(transactional_db: None, server: MailServer) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`worker("--once")` starts the command as a process of its own, on the test's database and mail server."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "DATABASE_URL": database_url(), "EMAIL_URL": server.url}
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", *arguments],
            env=environment,
            cwd=django_settings.BASE_DIR,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        logged.keep(process.communicate()[1] or "")
