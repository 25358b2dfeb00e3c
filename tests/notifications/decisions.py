"""What a person at the desk does about a session, with the words that it takes, and the time that passes."""

from __future__ import annotations

from datetime import datetime, timedelta

import time_machine
from django.conf import settings
from django.utils import timezone

from kyc import folding, review
from kyc.choices import Outcome
from kyc.models import Decision, Session, User
from notifications.models import Notification

WHY = "The picture is of somebody else."


def later(after: timedelta | None = None) -> time_machine.travel:
    """`with later(): …` passes as much time as there is to undo a decision, or the time given."""
    return time_machine.travel(timezone.now() + (settings.KYC_UNDO if after is None else after), tick=True)


def at(instant: datetime) -> time_machine.travel:
    return time_machine.travel(instant, tick=False)


def reject(session: Session, by: User, *codes: str) -> Decision:
    return review.reject(
        session.pk, by=by, seen=seen(session), codes=codes or ["LOW_CONFIDENCE"], rationale=WHY
    )


def approve(session: Session, by: User) -> Decision:
    return review.approve(session.pk, by=by, seen=seen(session), rationale=WHY)


def settle(session: Session, by: User, outcome: Outcome) -> Decision:
    return review.settle(session.pk, by=by, seen=seen(session), outcome=outcome, rationale=WHY)


def seen(session: Session) -> review.Seen:
    now = Session.objects.get(pk=session.pk)
    return review.Seen(now.version, folding.basis(now))


def to_subject(session: Session) -> Notification:
    """Return the one message to the session's subject."""
    return Notification.objects.get(session=session, kind="verification_failed")
