"""Sessions that came to their end for the reasons that a test makes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from kyc import review
from kyc.models import Session, User
from notifications.models import Notification
from tests import wire
from tests.notifications import decisions

# In every word that a subject must not read.
MARK = "QXZ"
WHY = "The picture is of somebody else. "
EVENTS = {
    "rejected by Ralio": "kyc_session_failed",
    "rejected here": "kyc_session_manual_review",
    "verified": "kyc_session_verified",
    "expired": "kyc_session_expired",
}


@dataclass(frozen=True)
class Given:
    """One reason as Ralio sends it, and what people have noted about its code."""

    code: str
    words: str
    mark: str = "none"

    @property
    def is_told(self) -> bool:
        return self.mark in ("disclosable", "english only")

    @property
    def english(self) -> str:
        return f"Words for subjects {self._number}." if self.is_told else ""

    @property
    def spanish(self) -> str:
        return f"Palabras para interesados {self._number}." if self.mark == "disclosable" else ""

    @property
    def _number(self) -> int:
        return len(self.code)


def cleaned(text: str) -> str:
    """Return the text as the desk keeps it."""
    return "".join("\ufffd" if char == "\x00" or "\ud800" <= char <= "\udfff" else char for char in text)


def rejected(found: list[Given], data: str = "") -> Notification:
    return _told(post("kyc_session_failed", found, data))


def of_a(
    story: str, found: list[Given], words: str, *, by: User, catalogue: Callable[[list[Given]], None]
) -> Notification:
    """Return the message to the subject at the end of a story; what the codes mean is noted in the middle of it."""
    session_id = post(EVENTS[story], found, words)
    catalogue(found)
    if story == "rejected here":
        codes = [cleaned(reason.code) for reason in found] or ["LOW_CONFIDENCE"]
        catalogue([] if found else [Given("LOW_CONFIDENCE", words)])
        seen = decisions.seen(Session.objects.get(pk=session_id))
        review.reject(session_id, by=by, seen=seen, codes=codes, rationale=WHY + cleaned(words))
    return _told(session_id)


def post(name: str, found: list[Given], data: str) -> UUID:
    """Post an event with one refused check for these reasons, and return its session's key."""
    check: dict[str, Any] = {
        "type": f"{MARK}-check",
        "state": 2,
        "data": {"provider": MARK, "note": data},
        "reasons": [
            {"type": reason.words, "code": reason.code, "message": reason.words, "category": reason.words}
            for reason in found
        ],
    }
    session_id = uuid4()
    event = wire.payload(name, session_id=session_id, at=timezone.now(), checks=[check])
    assert wire.post(event).status_code == 200
    return session_id


def _told(session_id: UUID) -> Notification:
    rows = Notification.objects.select_related("session").filter(session=session_id)
    return rows.get(recipient__startswith="user:")
