"""A subject with personal data wherever the desk keeps any, and how a reader comes to see it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from kyc.models import Check, Contact, Delivery, RefusedRequest, Session, User
from kyc.review import Change, correct
from notifications.models import Notification
from tests import wire
from tests.factories import ContactFactory, DecisionFactory, NotificationFactory
from tests.kyc.scene import REASONS

NAME, NUMBER, EMAIL = "Marta Oculta Sanz", "X9988776Z", "marta.oculta@personal.test"
SECRETS = (NAME, NUMBER, EMAIL)
REASON = "Yearly audit of refused documents."

# How the address of what is unmasked is called.
_DOORS: dict[type[Model], str] = {
    Session: "session-unmask",
    Delivery: "delivery-unmask",
    RefusedRequest: "refused-request-unmask",
    Contact: "contact-unmask",
}


def checks(**data: Any) -> list[dict[str, Any]]:
    said = {"fullName": NAME, "document": {"number": NUMBER, "isValid": True}, **data}
    return [{"type": "document", "state": "Refused", "data": said, "reasons": REASONS}]


def somebody() -> Session:
    """Return a session in review whose checks, deliveries, conflict, record event and contact tell who its subject is."""
    event = wire.payload("kyc_session_manual_review", checks=checks(nationality="Utopian"))
    wire.post(event)
    session = Session.objects.get(pk=event["data"]["sessionId"])
    at = session.last_event_at + timedelta(minutes=5)
    later = wire.payload("kyc_session_manual_review", session_id=session.pk, at=at, checks=checks(age=NUMBER))
    wire.post(later | {"data": later["data"] | {"userId": str(session.user_id)}})
    wire.post(wire.payload("kyc_session_failed", event_id=event["id"], session_id=session.pk, note=NAME))
    wire.post(wire.payload("kyc_state_updated", user_id=session.user_id, holder=NAME))
    ContactFactory(subject_id=session.user_id, name=NAME, email=EMAIL)
    return Session.objects.get(pk=session.pk)


def everything_about_somebody(admin: User) -> Session:
    """Return such a session with a correction of its data, a message to its subject, and refused bytes that tell of them."""
    session = somebody()
    check = Check.objects.filter(session=session).earliest("pk")
    change = Change(check, "data", json.dumps({"fullName": f"{NAME} y Sanz"}))
    correct(session, by=admin, changes=[change], reason="The surname was cut off.")
    DecisionFactory(session=session, basis=session.deliveries.earliest("pk"), maker=admin, is_proposed=True)
    Notification.objects.all().delete()
    NotificationFactory(session=session, recipient=f"user:{session.user_id}")
    wire.post(wire.payload("kyc_session_failed", note=NAME), secret="another")
    return session


def unmask(client: Client, row: Model, reason: str = REASON, **more: str) -> HttpResponse:
    """Send the form that asks for the reason."""
    answer: Any = client.post(reverse(_DOORS[type(row)], args=[row.pk]), {"reason": reason, **more})
    return answer


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8", "replace")


def told_in(text: str) -> list[str]:
    """Return which of SECRETS a page tells."""
    return [secret for secret in SECRETS if secret in text]
