"""Sessions as Ralio brings them to the session page and the history, by signed deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from kyc.models import Delivery, Session
from tests import wire

EVENTS = {
    "REVIEW": "kyc_session_manual_review",
    "REJECTED": "kyc_session_failed",
    "VERIFIED": "kyc_session_verified",
    "EXPIRED": "kyc_session_expired",
}


def arrive(
    state: str, *, hours: float = 1, at: datetime | None = None, session_id: UUID | None = None, **data: Any
) -> Session:
    """Post the event that means a state, as of some hours ago, and return its session."""
    session_id = session_id or uuid4()
    at = at or timezone.now() - timedelta(hours=hours)
    answer = wire.post(wire.payload(EVENTS[state], session_id=session_id, at=at, **{"checks": [], **data}))
    assert answer.status_code == 200
    return Session.objects.get(pk=session_id)


def again(session: Session, state: str, **more: Any) -> Session:
    """Post another event of a session about the same subject."""
    return arrive(state, session_id=session.pk, user_id=session.user_id, **more)


def refused(code: str = "NO_MATCH", message: str = "It does not match.", **more: Any) -> dict[str, Any]:
    """Return a refused check with one reason, as Ralio sends it; `category=` goes to the reason."""
    category = {"category": more.pop("category")} if "category" in more else {}
    reason = {"type": "face-match", "code": code, "message": message, **category}
    return {"type": "face-matching", "state": "Refused", "data": {}, "reasons": [reason], **more}


def page(client: Client, session: Session, query: str = "") -> str:
    """Return the session page's HTML."""
    answer = client.get(f"/sessions/{session.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def found(client: Client, query: str = "") -> set[UUID]:
    """Return the sessions on a page of the history."""
    return {row.session.pk for row in client.get(f"/rejected/?{query}").context["rows"]}


def newest_delivery(session: Session) -> Delivery:
    return session.deliveries.latest("pk")


def in_order(html: str, *texts: str) -> bool:
    """Return True when the texts stand in the page, each after the one before."""
    place = -1
    for text in texts:
        place = html.find(text, place + 1)
        if place < 0:
            return False
    return True
