"""A desk with one of everything that its pages can show, made the way it comes about: by Ralio's deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from kyc.models import Session
from tests import wire

LONG = "KYC.DOC." + "VERY_LONG_" * 60
DETERIORATED = {
    "type": "ManualReview",
    "code": "KYC.DOC.DETERIORATED",
    "message": "Document deteriorated or illegible (stains, tears).",
    "category": "DOC",
}
LOW_CONFIDENCE = {
    "type": "face-match",
    "code": "LOW_CONFIDENCE",
    "message": "Face matching confidence below threshold",
}
HOSTILE = {
    "type": "<b>type</b>",
    "code": '=HYPERLINK("http://evil.example")',
    "message": "<script>alert(1)</script>\x00 \u202eright to left",
    "category": "FRAUD",
}


def check(kind: str, state: object, *reasons: dict[str, str], **data: Any) -> dict[str, Any]:
    return {"type": kind, "state": state, "data": data, "reasons": list(reasons)}


@dataclass(frozen=True)
class Scene:
    """The sessions by what they are there for."""

    waiting: UUID
    overdue: UUID
    party: UUID
    hostile: UUID
    unchecked: UUID
    rejected: UUID
    rejected_bare: UUID
    verified: UUID
    expired: UUID


def build() -> Scene:
    scene = Scene(*(uuid4() for _ in Scene.__dataclass_fields__))
    user, party = uuid4(), uuid4()
    document = check("document-verification", "Validated", provider="MOCK", pages=[1, {"side": "front"}])
    face = check("face-matching", "Refused", LOW_CONFIDENCE)
    manual = check("manual_review", 2, DETERIORATED, provider="MOCK", timestamp="2026-03-17T12:40:24-04:00")
    odd = check("face_liveness", 3, HOSTILE, {**HOSTILE, "code": LONG}, huge=10**30, nested=[[[{"a": None}]]])

    _review(scene.waiting, hours=2, user_id=user, checks=[document, face])
    _review(scene.overdue, hours=30, checks=[manual])
    _review(scene.unchecked, hours=22, checks=[])
    _review(scene.hostile, hours=1, checks=[odd, face, manual, document])
    _review(
        scene.party, hours=5, user_id=None, related_party_id=party, entityType="related-party", checks=[face]
    )
    _review(scene.rejected_bare, hours=40, checks=[face])
    _post("related_party.kyc_session_created", hours=6, session_id=scene.party, related_party_id=party)
    _post("kyc_session_failed", hours=70, session_id=scene.rejected, user_id=user, checks=[manual, odd])
    _post("kyc_session_failed", hours=39, session_id=scene.rejected_bare, checks=None)
    _post("kyc_session_verified", hours=90, session_id=scene.verified, user_id=user)
    _post("kyc_session_expired", hours=80, session_id=scene.expired, user_id=user)
    _post("kyc_state_updated", hours=60, user_id=user)
    _post("kyc_expiration_warning", hours=61, user_id=user)
    _post("payin_completed", hours=1)
    wire.post(b'{"id": "not a UUID"}')
    wire.post(wire.payload("kyc_session_failed"), secret="not our secret")
    assert Session.objects.count() == len(Scene.__dataclass_fields__)
    return scene


def _review(session_id: UUID, **changes: Any) -> None:
    _post("kyc_session_manual_review", session_id=session_id, **changes)


def hours_ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


def _post(name: str, *, hours: float, **changes: Any) -> None:
    answer = wire.post(wire.payload(name, at=hours_ago(hours), **changes))
    assert answer.status_code == 200, answer.content
