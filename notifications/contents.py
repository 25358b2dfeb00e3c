"""What the message of each kind tells, for its templates. Written in the language that is active."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language, gettext, pgettext

from kyc import invitations
from kyc.choices import FINAL_OUTCOMES, OUTCOME_STATES, CheckState, DecisionStatus, FourEyes, Outcome
from kyc.languages import whole_day_words
from kyc.models import Check, Decision, EventName, InboxAlarm, ReasonCode, Seal, Session, User
from notifications import digest, disclosure
from notifications.choices import Kind
from notifications.models import Notification
from notifications.recipients import of_person, who
from notifications.wording import instant, one_line, plain_name, whole_instant

# A mail is read at a glance, and cut off by some programs beyond 100 kB; the session page has the rest.
MOST_CHECKS = 10
MOST_REASONS = 5
MOST_TOLD = 10
LONGEST_CODE = 60
LONGEST_REASON = 160
LONGEST_TOLD = 1000

# Where a session's object keeps its refused checks when they were asked for together with others'.
READ_AHEAD = "refused_read_ahead"

# Label and value of each fact; one without a value is left out.
Facts = list[tuple[str, object]]


class NothingToSay(LookupError):
    """What the message has to tell is not there any more."""


def of(notification: Notification, *, is_preview: bool = False) -> dict[str, Any]:
    """Return what the kind's templates ask for. A preview's personal link is None."""
    kind = Kind(notification.kind)
    if kind == Kind.SESSION_CREATED:
        return _session_created(notification, is_preview=is_preview)
    return _CONTENTS[kind](notification)


def read_ahead(notifications: Iterable[Notification]) -> None:
    """Ask once for many what `of` asks for each of the commonest kinds. It holds for these very objects."""
    about = defaultdict(list)
    for notification in notifications:
        if notification.session:
            about[notification.kind].append(notification.session)
    _read_refused_ahead(about[Kind.REVIEW_OPENED])
    disclosure.read_ahead(about[Kind.VERIFICATION_FAILED])


# --- To the team: about a session, but nothing of its subject beyond ids ---------------------------------------------
def _review_opened(notification: Notification) -> dict[str, Any]:
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


def _read_refused_ahead(sessions: Iterable[Session]) -> None:
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


def _due(notification: Notification) -> dict[str, Any]:
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


def _escalated(notification: Notification) -> dict[str, Any]:
    decision = _occasion(notification)
    by = (
        _colleague(notification, decision.maker) if decision else gettext("KYC Desk, by a reason code's mark")
    )
    return _about_session(notification, (gettext("Escalated by"), by), *_standing(notification))


def _second_review(notification: Notification) -> dict[str, Any]:
    decision = _occasion(notification)
    anybody = gettext("whoever may confirm decisions")
    asked = decision.addressee if decision else None
    return _about_session(
        notification,
        (gettext("Asked by"), _colleague(notification, decision.maker) if decision else ""),
        (gettext("Asked to look"), _colleague(notification, asked) if asked else anybody),
        *_standing(notification),
    )


def _disputed(notification: Notification) -> dict[str, Any]:
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
    said: Facts = [(gettext("Session"), session.pk), *facts]
    return {
        "session": session,
        "short_id": str(session.pk)[:8],
        "facts": [(label, str(value)) for label, value in said if value],
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


# --- To the team: about the inbox, and about the day -----------------------------------------------------------------
def _alarm(notification: Notification) -> dict[str, Any]:
    """Return what the alarm says: as it was when it opened, and, once it is closed, as it was then."""
    alarm = notification.about_alarm
    figure = _in_language(alarm.detail)
    after = _in_language(alarm.detail.get("after") or {})
    since = alarm.detail.get("since")
    times = {
        "since": instant(datetime.fromisoformat(since)) if since else "",
        "opened": instant(alarm.opened_at),
        "closed": instant(alarm.closed_at),
    }
    facts = _of_unwell if notification.kind == Kind.INBOX_UNWELL else _of_well
    said = facts(alarm, times, figure, after)
    return {
        "title": alarm.get_kind_display(),
        "facts": [(label, str(value)) for label, value in said if value],
        "figure": figure,
        "after": after,
        "names": _names(alarm),
        "is_over": alarm.closed_at is not None,
        "link": f"{settings.DESK_URL}{reverse('deliveries')}",
    }


def _of_unwell(
    alarm: InboxAlarm, times: dict[str, str], figure: dict[str, str], after: dict[str, str]
) -> Facts:
    return [
        (pgettext("alarm", "What"), alarm.get_kind_display()),
        (gettext("Since"), times["since"]),
        (gettext("Noticed"), times["opened"]),
        (gettext("Well again"), times["closed"]),
    ]


def _of_well(
    alarm: InboxAlarm, times: dict[str, str], figure: dict[str, str], after: dict[str, str]
) -> Facts:
    return [
        (gettext("What it was"), alarm.get_kind_display()),
        (gettext("Noticed"), times["opened"]),
        (gettext("Well again"), times["closed"]),
        (pgettext("alarm", "Then"), figure.get("says")),
        (pgettext("alarm", "Now"), after.get("says")),
    ]


def _in_language(figure: dict[str, Any]) -> dict[str, Any]:
    """Return a figure's words in the reader's language where the alarm holds them, else as they were first written."""
    return {**figure, **figure.get("words", {}).get(get_language(), {})}


def _names(alarm: InboxAlarm) -> list[str]:
    """Return the newest event names and codes that the alarm is about; the alarm itself holds their ids only."""
    names = EventName.objects.filter(pk__in=alarm.detail.get("event_names", ())).order_by("-pk")
    codes = ReasonCode.objects.filter(pk__in=alarm.detail.get("codes", ())).order_by("-pk")
    said = [*names.values_list("name", flat=True), *codes.values_list("code", flat=True)]
    return [one_line(name, limit=LONGEST_CODE) for name in said]


def _daily_digest(notification: Notification) -> dict[str, Any]:
    day = date.fromisoformat(notification.occasion)
    found = digest.facts(who(notification.recipient), day)
    return {
        "digest": found,
        "day": whole_day_words(day),
        "since": instant(found.since),
        "news": [(news, [(line, instant(line.at)) for line in news.lines]) for news in found.news],
        "link": found.queue_link,
    }


# --- To who keeps the ledger's seals, outside the desk ----------------------------------------------------------------
def _ledger_sealed(notification: Notification) -> dict[str, Any]:
    _, _, number = notification.occasion.partition(" ")
    seal = Seal.objects.filter(number=number).first()
    if seal is None:
        raise NothingToSay
    at = instant(seal.at)
    facts: Facts = [
        (gettext("Seal"), seal.number),
        (gettext("Made"), at),
        (pgettext("seal", "For"), whole_day_words(seal.day) if seal.day else gettext("out of turn")),
        (gettext("Chains that grew"), seal.n_chains),
        (gettext("New entries"), seal.n_entries),
    ]
    return {
        "seal": seal,
        "at": at,
        "day": whole_day_words(seal.day) if seal.day else "",
        "facts": [(label, str(value)) for label, value in facts],
        "at_the_desk": f"manage.py verify_ledger --seal {seal.number}={seal.hash}",
        "alone": f"python -I verify.py --seal {seal.number}={seal.hash}",
        "desk": settings.DESK_URL,
    }


# --- To the subject --------------------------------------------------------------------------------------------------
def _state(notification: Notification) -> dict[str, Any]:
    return {"reference": str(notification.about_session.pk)}


def _verification_failed(notification: Notification) -> dict[str, Any]:
    told = disclosure.disclosed(notification.about_session, get_language() or settings.LANGUAGE_CODE)
    return {
        **_state(notification),
        "reasons": [one_line(text, limit=LONGEST_TOLD) for text in told[:MOST_TOLD]],
    }


def _session_created(notification: Notification, *, is_preview: bool) -> dict[str, Any]:
    """Return who asks, by which link, and how long it opens. Nobody else than the subject ever sees that link."""
    invitation = invitations.of_session(notification.about_session)
    if invitation is None and not is_preview:
        raise NothingToSay
    return {
        **_state(notification),
        "business": plain_name(invitation.business) if invitation else "",
        "expires": whole_instant(invitation.expires_at) if invitation else "",
        "personal_link": None if is_preview or invitation is None else invitation.link,
    }


_CONTENTS: dict[Kind, Callable[[Notification], dict[str, Any]]] = {
    Kind.REVIEW_OPENED: _review_opened,
    Kind.DUE_SOON: _due,
    Kind.OVERDUE: _due,
    Kind.ESCALATED: _escalated,
    Kind.SECOND_REVIEW: _second_review,
    Kind.DISPUTED: _disputed,
    Kind.DAILY_DIGEST: _daily_digest,
    Kind.INBOX_UNWELL: _alarm,
    Kind.INBOX_WELL: _alarm,
    Kind.LEDGER_SEALED: _ledger_sealed,
    Kind.VERIFICATION_FAILED: _verification_failed,
    Kind.VERIFIED: _state,
    Kind.EXPIRED: _state,
}
