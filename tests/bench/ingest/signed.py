"""Whole HTTP requests, made and signed before the clock starts."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from kyc.ralio.signature import sign
from tests.server import SECRET

WEBHOOK = "/webhooks/ralio"
# What the desk answers.
ACCEPTED, DUPLICATE = b'{"received":true}', b'"duplicate":true'
# What differs from delivery to delivery.
EVENT, AT, SESSION, USER = "%event%", "%at%", "%session%", "%user%"


@dataclass(frozen=True, slots=True)
class Signed:
    """One delivery as bytes on the wire, and what it is about."""

    request: bytes
    session_id: str
    user_id: str


def reason(kind: str, code: str, message: str, category: str = "") -> dict[str, Any]:
    made = {"type": kind, "code": code, "message": message}
    return made | {"category": category} if category else made


REASONS = (
    reason("document", "KYC.DOC.DETERIORATED", "Document deteriorated or illegible (stains, tears).", "DOC"),
    reason("face-match", "LOW_CONFIDENCE", "Face matching confidence below threshold."),
    reason("liveness", "KYC.FACE.SPOOFING", "The liveness recording may show a screen or a mask.", "FACE"),
    reason("document", "KYC.DOC.ADDRESS_MISMATCH", "The address differs from the one declared.", "DOC"),
)
CHECK_TYPES = ("document-verification", "face-matching", "liveness", "proof-of-address")


def check_data(kind: str) -> dict[str, Any]:
    """Return what a provider says of one check: some 450 bytes."""
    return {
        "type": kind,
        "provider": "MOCK",
        "timestamp": "2026-03-17T12:40:24-04:00",
        "reference": "9f1c2d60-4f0e-4f6f-8a55-6f1f7c1d2b90",
        "document": {"kind": "passport", "country": "PRT", "number": "P4410072X", "expires": "2031-08-14"},
        "scores": {"sharpness": 0.8123, "glare": 0.1377, "similarity": 0.4129, "liveness": 0.9021},
        "steps": ["front", "back", "selfie", "recording"],
        "device": {"platform": "android", "version": "14.0.2", "camera": "rear", "resolution": "1920x1080"},
    }


def session_event(name: str, checks: Iterable[dict[str, Any]] | None) -> bytes:
    """Return an event's body with places for what differs; the newest generation's spelling."""
    data: dict[str, Any] = {"sessionId": SESSION, "userId": USER, "entityType": "user"}
    if checks is not None:
        data["checks"] = list(checks)
    return json.dumps({"eventId": EVENT, "eventType": name, "timestamp": AT, "data": data}).encode()


CHECKS = [
    {"type": kind, "state": 2, "data": check_data(kind), "reasons": [why]}
    for kind, why in zip(CHECK_TYPES, REASONS, strict=True)
]
# 3 KB, 4 checks, 4 reasons.
REVIEW = session_event("kyc_session_manual_review", CHECKS)
REJECTED = session_event("kyc_session_failed", CHECKS)
VERIFIED = session_event("kyc_session_verified", None)


def new_sessions(number: int) -> list[Signed]:
    """Return so many REVIEW events, each of its own session and user."""
    return [_signed(REVIEW, str(uuid4()), str(uuid4())) for _ in range(number)]


def second_events(first: Iterable[Signed]) -> list[Signed]:
    """Return Ralio's verdict on each of these sessions: REJECTED with its checks and VERIFIED without, in turn."""
    return [
        _signed(VERIFIED if position % 2 else REJECTED, one.session_id, one.user_id)
        for position, one in enumerate(first)
    ]


def stripe_events(number: int, path: str, secret: str) -> list[bytes]:
    """Return so many events of about 3 KB as Stripe signs them, of a kind that dj-stripe stores and does no more with."""
    template = json.dumps(
        {
            "id": EVENT,
            "object": "event",
            "api_version": "2026-05-27.dahlia",
            "created": 1_770_000_000,
            "livemode": False,
            "type": "balance.available",
            "pending_webhooks": 1,
            "request": {"id": "req_bench", "idempotency_key": SESSION},
            "data": {"object": {"object": "balance", "livemode": False, "checks": CHECKS}},
        }
    ).encode()
    now = int(time.time())
    return [_stripe_signed(template, path, secret, now) for _ in range(number)]


def example_body() -> bytes:
    """Return one new REVIEW delivery's body."""
    return _filled(REVIEW, str(uuid4()), str(uuid4()))


def post(path: str, body: bytes, **headers: str) -> bytes:
    """Return a whole POST request; an underscore in a header's name stands for a hyphen."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _signed(template: bytes, session_id: str, user_id: str) -> Signed:
    body = _filled(template, session_id, user_id)
    return Signed(post(WEBHOOK, body, X_Signature=sign(SECRET, body)), session_id, user_id)


def _filled(template: bytes, session_id: str, user_id: str) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    for place, value in ((EVENT, str(uuid4())), (AT, now), (SESSION, session_id), (USER, user_id)):
        template = template.replace(place.encode(), value.encode(), 1)
    return template


def _stripe_signed(template: bytes, path: str, secret: str, now: int) -> bytes:
    body = template.replace(EVENT.encode(), f"evt_{uuid4().hex}".encode()).replace(
        SESSION.encode(), str(uuid4()).encode()
    )
    digest = hmac.digest(secret.encode(), f"{now}.".encode() + body, "sha256").hex()
    return post(path, body, Stripe_Signature=f"t={now},v1={digest}")
