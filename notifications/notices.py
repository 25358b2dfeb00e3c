"""What the session page says when a message did not simply leave: why, and who can do what about it."""

from __future__ import annotations

from dataclasses import dataclass

from kyc.choices import SessionState
from kyc.models import Session
from notifications import recipients
from notifications.choices import HoldCause, Kind, Status
from notifications.models import Notification

# Who a person at the desk is to the message.
_PERSON = {
    Kind.DUE_SOON: "the officer who holds it",
    Kind.OVERDUE: "the officer or a supervisor",
    Kind.INBOX_UNWELL: "a supervisor",
    Kind.INBOX_WELL: "a supervisor",
}


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
    whom = reader(row)
    if row.status == Status.WAITING:
        return Notice(
            "warn",
            f"No contact is known for {_this(row)}, so nobody was told.",
            "The message waits until a contact is added.",
        )
    if row.status == Status.WITHHELD and row.withheld_because == HoldCause.LATE:
        return Notice(
            "warn",
            f"The message to {whom} is withheld.",
            "The event was more than a day old when it arrived. A supervisor can release the message in the admin.",
        )
    if row.status == Status.WITHHELD:
        return Notice(
            "warn",
            f"The message to {whom} is held back.",
            "This session has a code that is marked as a suspicion, and a message might warn the person. "
            "A supervisor can release it in the admin; it then gives no reasons.",
        )
    if row.status == Status.GAVE_UP:
        tries = "1 try" if row.n_attempts == 1 else f"{row.n_attempts} tries"
        return Notice(
            "error",
            f"The message to {whom} could not be sent.",
            f"Gave up after {tries}. The last answer was “{row.last_error}”. "
            "A supervisor can try again in the admin.",
        )
    if row.status == Status.CANCELLED and row.alarm_id:
        return Notice(
            "info",
            f"The message to {whom} was not sent.",
            "When its turn came the person was no supervisor any more, or had no address.",
        )
    if row.status == Status.CANCELLED and row.is_to_subject:
        return Notice(
            "info",
            f"The message to {whom} was not sent.",
            "Before it could leave the session was no longer REJECTED, or no longer about this subject.",
        )
    # A due time that moved, or was met, is nothing to be told of.
    return None


def reader(row: Notification) -> str:
    """Return whom the message is for, in words: never anybody's name or address."""
    if recipients.is_person(row.recipient):
        return _PERSON[Kind(row.kind)]
    if not row.is_to_subject:
        return "the compliance team"
    return "the related party" if row.recipient.startswith("related-party:") else "the user"


def _this(row: Notification) -> str:
    return reader(row).replace("the ", "this ", 1)


def _silences(session: Session, rows: list[Notification]) -> list[Notice]:
    """Return why no message was written about the state that the session is in."""
    kinds = {row.kind for row in rows if row.round == session.round}
    if session.state == SessionState.REVIEW and Kind.REVIEW_OPENED not in kinds:
        return [
            Notice(
                "info",
                "The compliance team was not mailed.",
                "No address was set (COMPLIANCE_TEAM_EMAILS) when this session came to review.",
            )
        ]
    if session.state == SessionState.REJECTED and not any(row.is_to_subject for row in rows):
        return [
            Notice(
                "warn",
                "Nobody was told.",
                "The session named no single user or related party when it was rejected.",
            )
        ]
    return []
