"""Everything that people at the desk can be told of at once: how it comes about, and whom its messages name."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from kyc import review
from kyc.alarms import watch
from kyc.deadlines import warn
from kyc.models import Session, User
from notifications import daily
from notifications.choices import Kind
from notifications.models import Notification
from tests.kyc.arrivals import HOUR, WEEK, came, every
from tests.notifications.conftest import told
from tests.notifications.decisions import WHY, reject, seen

TEAM = "compliance@example.test"


def happen(kind: Kind, by: User) -> None:
    """Let this happen; where a person does it, it is this one."""
    now = timezone.now()
    if kind == Kind.INBOX_UNWELL:
        came(*every(HOUR, now - 2 * WEEK, now - 12 * HOUR))
        watch(now)
        return
    session = told("kyc_session_manual_review")
    match kind:
        case Kind.DUE_SOON | Kind.OVERDUE:
            due_in(-HOUR if kind == Kind.OVERDUE else HOUR, session)
            warn()
        case Kind.ESCALATED:
            review.escalate(session.pk, by=by, seen=seen(session), rationale=WHY)
        case Kind.SECOND_REVIEW:
            review.ask_second_review(session.pk, by=by, seen=seen(session), rationale=WHY)
        case Kind.DISPUTED:
            reject(session, by)
            told("kyc_session_verified", session_id=session.pk, user_id=session.user_id)
        case Kind.DAILY_DIGEST:
            daily.write()


def due_in(span: timedelta, session: Session) -> Session:
    """Let a session be due so long from now, and nobody have been told of it."""
    Session.objects.filter(pk=session.pk).update(due_at=timezone.now() + span)
    Notification.objects.all().delete()
    session.refresh_from_db()
    return session


def recipients_of(kind: Kind) -> list[str]:
    return sorted(Notification.objects.filter(kind=kind).values_list("recipient", flat=True))


def named(*people: User) -> list[str]:
    return sorted(f"person:{person.pk}" for person in people)
