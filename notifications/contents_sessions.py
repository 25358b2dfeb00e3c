"""What messages to the team tell of a session, but nothing of its subject beyond ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext

from kyc.choices import FINAL_OUTCOMES, OUTCOME_STATES, CheckState, DecisionStatus, FourEyes, Outcome
from kyc.models import Check, Decision, Session, User
from notifications.choices import Kind
from notifications.facts import LONGEST_CODE, Facts, told
from notifications.models import Notification
from notifications.recipients import of_person
from notifications.wording import instant, one_line

# A mail is read at a glance, and cut off by some programs beyond 100 kB; the session page has the rest.
MOST_CHECKS = 10
MOST_REASONS = 5
LONGEST_REASON = 160

# Where a session's object keeps its refused checks when they were asked for together with others'.
READ_AHEAD = "refused_read_ahead"


def review_opened(notification: Notification) -> dict[str, Any]:
    session = notification.about_session
    refused = vars(session).get(READ_AHEAD) or _refused([session.evidence_id])[:MOST_CHECKS]
    checks = [_check(check) for check in refused]
    subject = "" if session.subject_id else gettext("not named")
    return {
        **_about_session(
            notification,
            (gettext("User"), session.user_id),
            (gettext("Related party"), session.related_party_id),
            (gettext("Subject"), subject),
            (gettext("Round"), notification.round),
            (gettext("Due"), instant(session.due_at)),
        ),
        "checks": checks,
        "n_more": max(0, session.n_refused - MOST_CHECKS),
    }


def _refused(deliveries: Collection[int | None]) -> QuerySet[Check]:
    refused = Check.objects.filter(delivery__in=deliveries, state=CheckState.REFUSED)
    return refused.defer("data").order_by("position").prefetch_related("reasons")


def read_ahead(sessions: Iterable[Session]) -> None:
    """Ask once for many what `review_opened` asks for each. It holds for these very objects."""
    few = [session for session in sessions if session.n_refused <= MOST_CHECKS]
    found: dict[int | None, list[Check]] = defaultdict(list)
    for check in _refused([session.evidence_id for session in few]):
        found[check.delivery_id].append(check)
    for session in few:
        vars(session)[READ_AHEAD] = found[session.evidence_id]


def _check(check: Check) -> dict[str, Any]:
    reasons = list(check.reasons.all())
    return {
        "type": one_line(check.type, limit=LONGEST_CODE),
        "reasons": [
            {
                "code": one_line(reason.code, limit=LONGEST_CODE),
                "message": one_line(reason.message, limit=LONGEST_REASON),
            }
            for reason in reasons[:MOST_REASONS]
        ],
        "n_more": max(0, len(reasons) - MOST_REASONS),
    }


def due(notification: Notification) -> dict[str, Any]:
    """Return when, and whether somebody has the session in hand."""
    due = gettext("Was due") if notification.kind == Kind.OVERDUE else gettext("Due")
    at, held_by = instant(notification.event_at), _holder(notification)
    facts = _about_session(
        notification,
        (gettext("Round"), notification.round),
        (gettext("In review since"), instant(notification.about_session.state_since)),
        (due, at),
        (gettext("Held by"), held_by),
    )
    return {**facts, "at": at, "held_by": held_by}


def escalated(notification: Notification) -> dict[str, Any]:
    decision = _occasion(notification)
    by = (
        _colleague(notification, decision.maker) if decision else gettext("KYC Desk, by a reason code's mark")
    )
    return _about_session(notification, (gettext("Escalated by"), by), *_standing(notification))


def second_review(notification: Notification) -> dict[str, Any]:
    decision = _occasion(notification)
    anybody = gettext("whoever may confirm decisions")
    asked = decision.addressee if decision else None
    return _about_session(
        notification,
        (gettext("Asked by"), _colleague(notification, decision.maker) if decision else ""),
        (gettext("Asked to look"), _colleague(notification, asked) if asked else anybody),
        *_standing(notification),
    )


def disputed(notification: Notification) -> dict[str, Any]:
    """Return who says what. The decision is the newest one that held when the dispute began."""
    session = notification.about_session
    confirmed = session.decisions.filter(
        status=DecisionStatus.CONFIRMED,
        outcome__in=FINAL_OUTCOMES,
        confirmed_at__lte=notification.created_at,
    )
    decision = confirmed.select_related("maker", "checker").order_by("pk").last()
    deciders = [person for person in (decision.maker, decision.checker) if person] if decision else []
    return {
        **_about_session(
            notification,
            (gettext("Ralio says"), session.provider_state),
            (gettext("Decided here"), OUTCOME_STATES[Outcome(decision.outcome)].value if decision else ""),
            (gettext("Decided by"), ", ".join(_colleague(notification, person) for person in deciders)),
            *_standing(notification),
        ),
        "is_anothers": settings.KYC_FOUR_EYES != FourEyes.NONE,
    }


def _about_session(notification: Notification, *facts: tuple[str, object]) -> dict[str, Any]:
    session = notification.about_session
    return {
        "session": session,
        "short_id": str(session.pk)[:8],
        "facts": told([(gettext("Session"), session.pk), *facts]),
        "link": f"{settings.DESK_URL}{session.get_absolute_url()}",
        "due": instant(session.due_at),
    }


def _standing(notification: Notification) -> Facts:
    session = notification.about_session
    return [
        (gettext("Round"), notification.round),
        (gettext("In review since"), instant(session.state_since) if session.due_at else ""),
        (gettext("Due"), instant(session.due_at)),
        (gettext("Held by"), _holder(notification)),
    ]


def _occasion(notification: Notification) -> Decision | None:
    """Return the act of a person that the message tells of; None where a code's mark made it."""
    kind, _, pk = notification.occasion.partition(" ")
    if kind != "decision" or not pk.isdecimal():
        return None
    decisions = Decision.objects.filter(pk=pk, session=notification.about_session)
    return decisions.select_related("maker", "addressee").first()


def _holder(notification: Notification) -> str:
    session = notification.about_session
    if session.claimed_until is None or session.claimed_until <= now():
        return gettext("nobody")
    is_reader = notification.recipient in of_person(session.assignee)
    return gettext("you") if is_reader else gettext("an officer")


def _colleague(notification: Notification, person: User) -> str:
    """Name a person at the desk as the desk does."""
    is_reader = notification.recipient in of_person(person)
    return gettext("you") if is_reader else one_line(person.get_username(), limit=LONGEST_CODE)
