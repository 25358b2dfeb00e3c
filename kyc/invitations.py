"""The personal link that opens a related party's own verification. It is mailed to them, and never shown, stored apart
or logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from kyc.choices import DeliveryStatus, SessionState
from kyc.models import Delivery, Session
from kyc.ralio import bodies


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link, out of sight of whatever prints this, until when it opens, where that is known, and which business asks.

    `business` is its name as it was sent, or empty.
    """

    link: str
    expires_at: datetime | None
    business: str = ""

    @property
    def name(self) -> str:
        """Return what tells the link from others without giving it away."""
        return sha256(self.link.encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"Invitation(expires_at={self.expires_at!r})"


def of_delivery(delivery: Delivery) -> Invitation | None:
    """Return what a delivery's body invites its subject to."""
    body = bytes(delivery.body)
    found = bodies.invitation(body)
    return Invitation(*found, bodies.business_name(body)) if found else None


def of_session(session: Session) -> Invitation | None:
    """Return the newest invitation to a session, by event time. One query."""
    created = session.deliveries.filter(
        status=DeliveryStatus.APPLIED, session_state=SessionState.NOT_STARTED
    ).order_by("-event_at", "-event_id")
    return next((found for delivery in created if (found := of_delivery(delivery))), None)
