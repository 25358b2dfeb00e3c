"""Sessions rejected for the reasons that a test makes up."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from notifications.models import Notification
from tests import wire

# In every word that a subject must not read.
MARK = "QXZ"


@dataclass(frozen=True)
class Given:
    """One reason as Ralio sends it, and what people have noted about its code."""

    code: str
    words: str
    is_told: bool


def rejected(found: list[Given], data: str = "") -> Notification:
    checks = [
        {
            "type": f"{MARK}-check",
            "state": 2,
            "data": {"provider": MARK, "note": data},
            "reasons": [
                {"type": reason.words, "code": reason.code, "message": reason.words, "category": reason.words}
                for reason in found
            ],
        }
    ]
    event = wire.payload("kyc_session_failed", at=timezone.now(), checks=checks)
    assert wire.post(event).status_code == 200
    return Notification.objects.select_related("session").get(session=event["data"]["sessionId"])
