"""What Ralio's API is to be asked for: the checks of a user's session whose event carried none."""

from __future__ import annotations

from django.conf import settings

from kyc.choices import DeliverySource, EntityType, SessionState
from kyc.models import Delivery, Enquiry, Session
from kyc.ralio.events import SessionEvent

# What officers look at. Whoever passed has nothing to explain, and the newer generations leave it out as a rule.
_WANTING = frozenset({SessionState.REVIEW, SessionState.REJECTED})


def is_wanting(source: str, event: SessionEvent) -> bool:
    """Return True when an event leaves open what only the API can tell, and the API may be asked."""
    return (
        bool(settings.RALIO_API_URL)
        and source == DeliverySource.WEBHOOK
        and event.state in _WANTING
        and not event.checks
    )


def ask(session: Session, delivery: Delivery, event: SessionEvent) -> None:
    """Note in this transaction that the API is to be asked; `session` is folded. Nothing else waits for the answer."""
    if not is_wanting(delivery.source, event):
        return
    # Every call of the API hangs under a user: a related party's sessions are beyond it.
    if session.entity_type == EntityType.USER and session.user_id:
        Enquiry.objects.bulk_create([Enquiry(delivery=delivery)], ignore_conflicts=True)
