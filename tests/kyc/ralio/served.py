"""Ralio's API, played over real HTTP, with the desk's settings pointing at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyc.choices import SessionState
from kyc.models import Session
from kyc.ralio import client
from kyc.ralio.simulator.api import Api
from kyc.ralio.simulator.book import Book
from kyc.ralio.simulator.vocabulary import ISSUES
from tests import wire

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
EVENTS = {
    "REVIEW": "kyc_session_manual_review",
    "REJECTED": "kyc_session_failed",
    "VERIFIED": "kyc_session_verified",
}
ISSUE = ISSUES[3]


@pytest.fixture
def api(settings: Any) -> Iterator[Api]:
    with Api(Book()) as served:
        settings.RALIO_API_URL = served.url
        settings.RALIO_API_CODE, settings.RALIO_API_KEY = served.code, served.key
        client.shared.cache_clear()
        yield served
    client.shared.cache_clear()


class Played:
    """One user's session at Ralio; what happens there is told by webhook, or is not."""

    def __init__(self, api: Api, user: UUID | None = None) -> None:
        self.api, self.user, self.id = api, user or uuid4(), uuid4()
        self.at = NOON

    def comes_to(self, state: str, *, is_told: bool = True, **data: Any) -> Any:
        """Let the session come to a state an hour later, and post the event of it, without checks unless given."""
        self.at += timedelta(hours=1)
        self.api.book.note(
            self.id, self.user, SessionState(state), self.at, created_at=NOON, problems=[ISSUE]
        )
        return self.tell(state, **data) if is_told else None

    def tell(self, state: str, **data: Any) -> Any:
        said = {"checks": [], **data}
        return wire.post(
            wire.payload(EVENTS[state], session_id=self.id, user_id=self.user, at=self.at, **said)
        )

    @property
    def session(self) -> Session:
        return Session.objects.get(pk=self.id)
