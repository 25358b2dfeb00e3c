"""Ralio's side of the webhook: example payloads with fresh ids, and signed requests."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from kyc.ralio.signature import sign as sign_bytes

PAYLOADS = Path(__file__).parent / "payloads"
KEEP: Any = object()


def names() -> list[str]:
    """Return the name of every example, such as kyc_session_failed.g2."""
    return sorted(file.stem for file in PAYLOADS.glob("*.json"))


def payload(
    name: str,
    *,
    event_id: UUID | str | None = None,
    session_id: UUID | str | None = None,
    user_id: UUID | str | None = KEEP,
    related_party_id: UUID | str | None = KEEP,
    at: datetime | str | None = None,
    **data: Any,
) -> dict[str, Any]:
    """Return an example as Ralio would send it, with fresh ids, for the examples share theirs.

    `name` is the file's, the generation may be left out. The instant stays the example's unless `at` is given.
    `user_id=None` leaves the member out. Everything else replaces members of `data`, in Ralio's spelling.
    """
    (file,) = (
        PAYLOADS.glob(f"{name}.json")
        if (PAYLOADS / f"{name}.json").exists()
        else PAYLOADS.glob(f"{name}.g?.json")
    )
    event: dict[str, Any] = json.loads(file.read_text())
    event["eventId" if "eventId" in event else "id"] = str(event_id or uuid4())
    if at:
        event["timestamp"] = at if isinstance(at, str) else at.isoformat()
    members = event["data"]
    if "kycSession" in members:
        members["kycSession"]["id"] = str(session_id or uuid4())
        members["relatedParty"]["id"] = str(uuid4() if related_party_id in (KEEP, None) else related_party_id)
    else:
        if "sessionId" in members:
            members["sessionId"] = str(session_id or uuid4())
        _set(members, "userId", user_id)
        _set(members, "relatedPartyId", related_party_id)
    members |= data
    return event


def _set(members: dict[str, Any], name: str, value: UUID | str | None) -> None:
    if value is KEEP and name in members:
        members[name] = str(uuid4())
    elif value is None:
        members.pop(name, None)
    elif value is not KEEP:
        members[name] = str(value)


def encode(event: dict[str, Any] | bytes) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def sign(body: dict[str, Any] | bytes, secret: str | None = None) -> str:
    """Return X-Signature for a body, with the desk's first secret unless another one is given."""
    return sign_bytes(secret or settings.RALIO_WEBHOOK_SECRETS[0], encode(body))


def post(
    event: dict[str, Any] | bytes, *, secret: str | None = None, signature: str | None = None, **headers: str
) -> HttpResponse:
    """Sign an event as Ralio does and post it; `signature=""` leaves the header out."""
    body = encode(event)
    header = sign(body, secret) if signature is None else signature
    sent = {**headers, "X-Signature": header} if header else headers
    return Client().post("/webhooks/ralio", data=body, content_type="application/json", headers=sent)
