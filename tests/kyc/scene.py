"""A session in REVIEW with one refused check, and what may come after it."""

from __future__ import annotations

from datetime import timedelta

from kyc.models import Delivery, Session
from tests import wire

REASONS = [{"type": "face-match", "code": "LOW_CONFIDENCE", "message": "Below threshold", "category": "FACE"}]
CHECKS = [{"type": "face-matching", "state": "Refused", "data": {"score": 1.50}, "reasons": REASONS}]


def in_review() -> Session:
    event = wire.payload("kyc_session_manual_review", checks=CHECKS)
    wire.post(event)
    return Session.objects.get(pk=event["data"]["sessionId"])


def again(session: Session, name: str = "kyc_session_manual_review", **data: object) -> Session:
    """Post a later event of the session and return it as it is then."""
    at = session.last_event_at + timedelta(minutes=5)
    assert wire.post(wire.payload(name, session_id=session.pk, at=at, **data)).status_code == 200
    assert not Delivery.objects.exclude(status="applied").exists()
    return Session.objects.get(pk=session.pk)
