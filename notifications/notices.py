"""What the desk says of a message: whom it is for, why it stands where it stands, and who can do what about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from kyc.choices import SessionState
from kyc.models import Session
from notifications import recipients
from notifications.choices import (
    ABOUT_ALARMS,
    ABOUT_SEALS,
    TO_SUBJECTS,
    TOLD_OF_STATE,
    HoldCause,
    Kind,
    Status,
)
from notifications.models import Notification

# Who a person at the desk is to the message, where that is plain.
_PERSON: Mapping[Kind, str | Promise] = {
    Kind.DUE_SOON: gettext_lazy("the officer who holds it"),
    Kind.OVERDUE: gettext_lazy("the officer or a supervisor"),
    Kind.ESCALATED: gettext_lazy("a supervisor"),
    Kind.DISPUTED: gettext_lazy("a supervisor"),
    Kind.INBOX_UNWELL: gettext_lazy("a supervisor"),
    Kind.INBOX_WELL: gettext_lazy("a supervisor"),
}
# What had come to be otherwise, when a message was not true any more.
_UNTRUE: Mapping[Kind, str | Promise] = {
    Kind.DUE_SOON: gettext_lazy(
        "Before it could leave, the session was decided, or its due time moved or passed."
    ),
    Kind.OVERDUE: gettext_lazy("Before it could leave, the session was decided, or its due time moved."),
    Kind.ESCALATED: gettext_lazy("Before it could leave, the session no longer waited for a supervisor."),
    Kind.SECOND_REVIEW: gettext_lazy("Before it could leave, no second review was asked for any more."),
    Kind.DISPUTED: gettext_lazy("Before it could leave, the dispute was settled."),
    Kind.DAILY_DIGEST: gettext_lazy("Before it could leave, the next one was due."),
    Kind.SESSION_CREATED: gettext_lazy(
        "Before it could leave, the session had gone on, its link was no longer good, or it was no longer about this subject."
    ),
}
_STATES = {kind: state for state, kind in TOLD_OF_STATE.items()}


@dataclass(frozen=True, slots=True)
class Notice:
    """One remark; `tone` is the notice's look on the page."""

    tone: str
    title: str
    text: str


def about_session(session: Session) -> list[Notice]:
    """Return what is worth saying about the session's messages, each thing once."""
    rows = sorted(session.notifications.all(), key=lambda row: row.created_at)
    found = [*_silences(session, rows), *(notice for row in rows if (notice := about(row)))]
    return list(dict.fromkeys(found))


def about(row: Notification) -> Notice | None:
    """Return what is worth saying about one message, or None when it simply left or is about to."""
    whom = {"whom": reader(row)}
    if row.status == Status.WAITING:
        return Notice("warn", _no_contact(row), _("The message waits until a contact is added."))
    if row.status == Status.WITHHELD and row.withheld_because == HoldCause.LATE:
        title = _("The message to %(whom)s is withheld.") % whom
        text = _("The event was more than a day old when it arrived. A supervisor can release the message.")
        return Notice("warn", title, text)
    if row.status == Status.WITHHELD:
        title = _("The message to %(whom)s is held back.") % whom
        text = _(
            "This session has a code that is marked as a suspicion, and a message might warn the person. "
            "A supervisor can release it; it then gives no reasons."
        )
        return Notice("warn", title, text)
    if row.status == Status.GAVE_UP:
        title = _("The message to %(whom)s could not be sent.") % whom
        advice = _("A supervisor can try again.")
        return Notice("error", title, f"{why(row)} {advice}")
    # Of a due time that moved, or was met, and the like, there is nothing to be told.
    if row.status == Status.CANCELLED and (row.kind in ABOUT_ALARMS or row.is_to_subject):
        return Notice("info", _("The message to %(whom)s was not sent.") % whom, why(row))
    return None


def why(row: Notification) -> str:
    """Return why a message stands where it stands, in a sentence or two; nothing where its status says it all."""
    if row.status == Status.WAITING:
        return _no_contact(row)
    if row.status == Status.WITHHELD and row.withheld_because == HoldCause.LATE:
        return _("The event was more than a day old when it arrived.")
    if row.status == Status.WITHHELD:
        return _("The session has a code that is marked as a suspicion. Once released it gives no reasons.")
    if row.status == Status.CANCELLED:
        return _why_cancelled(row)
    if row.status == Status.GAVE_UP:
        tries = ngettext("Gave up after %(n)s try.", "Gave up after %(n)s tries.", row.n_attempts)
        return f"{tries % {'n': row.n_attempts}} {_last_answer(row)}"
    return _last_answer(row) if row.status == Status.PENDING and row.last_error else ""


def reader(row: Notification) -> str:
    """Return whom the message is for, in words: never anybody's name or address."""
    if recipients.is_person(row.recipient):
        return str(_PERSON.get(Kind(row.kind)) or _("a person at the desk"))
    if row.kind in ABOUT_SEALS:
        return _("the keeper of the seals")
    if not row.is_to_subject:
        return _("the compliance team")
    return _("the related party") if _is_party(row) else _("the user")


def _is_party(row: Notification) -> bool:
    return row.recipient.startswith("related-party:")


def _no_contact(row: Notification) -> str:
    if _is_party(row):
        return _("No contact is known for this related party, so nobody was told.")
    return _("No contact is known for this user, so nobody was told.")


def _last_answer(row: Notification) -> str:
    return _("The last answer was “%(answer)s”.") % {"answer": row.last_error}


def _why_cancelled(row: Notification) -> str:
    kind = Kind(row.kind)
    if row.erased_at is not None and row.is_to_subject:
        return _("It had not left when the personal data of its subject was erased.")
    if kind in ABOUT_ALARMS:
        return _(
            "When its turn came, the person was no supervisor any more, had no address or did not want it."
        )
    if kind in _STATES:
        words = _(
            "Before it could leave, the session was no longer %(state)s, or no longer about this subject."
        )
        return words % {"state": _STATES[kind].value}
    untrue = _UNTRUE.get(kind)
    if untrue is None:
        return _("When its turn came, nobody was to be told of it any more.")
    if not recipients.is_person(row.recipient):
        return str(untrue)
    gone = _("Or it is not this person’s business any more, they have no address, or they do not want it.")
    return f"{untrue} {gone}"


def _silences(session: Session, rows: list[Notification]) -> list[Notice]:
    """Return why no message was written about the state that the session is in."""
    kinds = {row.kind for row in rows if row.round == session.round}
    if session.state == SessionState.REVIEW and Kind.REVIEW_OPENED not in kinds:
        text = _(
            "No address of the team was set (COMPLIANCE_TEAM_EMAILS) and nobody had chosen to hear of it at once. "
            "The daily digest counts it."
        )
        return [Notice("info", _("Nobody was mailed when this session came to review."), text)]
    told = {row.kind for row in rows} & TO_SUBJECTS
    if session.state != SessionState.REJECTED or Kind.VERIFICATION_FAILED in told:
        return []
    if Kind.VERIFICATION_FAILED not in settings.KYC_SUBJECT_MAILS:
        text = _("Messages about rejections are switched off (KYC_SUBJECT_MAILS).")
        return [Notice("info", _("The subject was not told."), text)]
    text = _("The session named no single user or related party when it was rejected.")
    return [Notice("warn", _("Nobody was told."), text)]
