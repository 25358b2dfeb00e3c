"""Sessions as Ralio brings them to the desk's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from kyc.models import Session
from tests import oidc, wire
from tests.oidc import Provider


def check(
    *codes: str, type: str = "face-matching", state: Any = "Refused", category: str = ""
) -> dict[str, Any]:
    """Return a check as Ralio sends it, with one reason per code."""
    reasons = [{"type": type, "code": code, "message": f"{code} it is"} for code in codes]
    return {
        "type": type,
        "state": state,
        "data": {},
        "reasons": [{**reason, "category": category} if category else reason for reason in reasons],
    }


def hours_ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


@pytest.fixture
def review(db: None) -> Callable[..., Session]:
    """`review(hours=30, checks=[check("NO_MATCH")])` posts a session that came to review then, and returns it."""

    def arrive(
        hours: float = 1,
        *,
        checks: Sequence[dict[str, Any]] = (),
        session_id: UUID | None = None,
        **data: Any,
    ) -> Session:
        session_id = session_id or uuid4()
        event = wire.payload(
            "kyc_session_manual_review.g1",
            session_id=session_id,
            at=hours_ago(hours),
            checks=list(checks),
            **data,
        )
        assert wire.post(event).status_code == 200
        return Session.objects.get(pk=session_id)

    return arrive


@pytest.fixture
def party_review(review: Callable[..., Session]) -> Callable[..., Session]:
    """The same for a related party."""

    def arrive(hours: float = 1, **data: Any) -> Session:
        names = {"user_id": None, "related_party_id": uuid4(), "entityType": "related-party"}
        return review(hours, **{**names, **data})

    return arrive


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The company's identity provider, up for the tests of a module; `oidc.trust` makes it the desk's."""
    with oidc.running() as provider:
        yield provider
