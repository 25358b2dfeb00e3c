"""A worker is killed in the middle of a delivery: another takes it up, and the others do not wait for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from kyc import ledger
from kyc.ingestion import retry_failed
from kyc.models import Delivery, Session
from kyc.rebuilding import rebuild
from tests import locks, logged
from tests.kyc import mending
from tests.kyc.scene import in_review
from tests.server import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def worker() -> Iterator[subprocess.Popen[str]]:
    """Run the command as a process of its own while the block does, for one sweep of all that is due."""
    command = [sys.executable, "manage.py", "worker", "--once"]
    environment = {**os.environ, "DATABASE_URL": database_url()}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        logged.keep(process.communicate()[1] or "")


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "It did not come."
        time.sleep(0.05)


def failed_later_event(monkeypatch: pytest.MonkeyPatch, session: Session) -> Delivery:
    later = session.last_event_at + timedelta(minutes=5)
    delivery = mending.failed(monkeypatch, session_id=session.pk, at=later)
    make_due(delivery)
    return delivery


def make_due(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())


def test_killed_in_the_middle_it_leaves_the_delivery_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite who holds a session holds the database.")
    session = in_review()
    delivery = failed_later_event(monkeypatch, session)
    # While we hold the session, the worker waits in the middle of applying the delivery to it.
    with psycopg.connect(database_url()) as holder, worker() as first:
        holder.execute("SELECT FROM kyc_session WHERE id = %s FOR UPDATE", [session.pk])
        wait_for(locks.somebody_waits)
        another = mending.failed(monkeypatch)
        make_due(another)
        assert (retry_failed(), Delivery.objects.get(pk=another.pk).status) == (1, "applied")
        first.send_signal(signal.SIGKILL)
        first.wait()

    wait_for(lambda: not locks.somebody_waits())
    delivery.refresh_from_db()
    assert (delivery.status, delivery.n_tries) == ("failed", 2)
    assert delivery.error == "Try 2 began and did not end."
    assert delivery.next_try_at > timezone.now()
    assert Session.objects.get(pk=session.pk).state == "REVIEW"

    make_due(delivery)
    with worker() as second:
        second.communicate(timeout=120)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.n_tries, delivery.error) == ("applied", 3, "")
    assert Session.objects.get(pk=session.pk).state == "REJECTED"
    assert rebuild(session.pk) == []
    assert list(ledger.verify()) == []
