"""What a message would be if it left now, for who judges whether it should: all of it but a personal link."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from kyc.desk.masking import MASK
from notifications import disclosure, recipients
from notifications.channels import Refused
from notifications.channels.email import mail_of
from notifications.choices import ABOUT_SEALS, HoldCause, Status
from notifications.judging import ALWAYS_TRUE, is_still_true
from notifications.messages import Message, compose
from notifications.models import Notification
from notifications.recipients import Addressee
from notifications.wording import instant

# Written when it leaves, or another one each time.
_NOT_SHOWN = frozenset({"Date", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"})


@dataclass(frozen=True, slots=True)
class Preview:
    """The message, its headers as they are sent, for whom it is in words, and what is worth saying beforehand."""

    message: Message
    headers: list[tuple[str, str]]
    whom: str
    remarks: list[str]


def of(row: Notification, *, is_masked: bool = False) -> Preview:
    """Return the preview of a message; `is_masked`: without the names that it says, and the address it goes to."""
    addressee = recipients.addressee(row.recipient, row.kind, row.session)
    message = compose(row, addressee or Addressee(""), is_preview=True, is_masked=is_masked)
    headers = [(name, MASK if is_masked and name == "To" else value) for name, value in _headers(message)]
    return Preview(message, headers, _whom(row), _remarks(row, is_reachable=addressee is not None))


def _headers(message: Message) -> list[tuple[str, str]]:
    """Return the headers in their order; none for an address that nothing is sent to."""
    try:
        built = mail_of(message).message()
    except Refused:
        return []
    return [(name, str(value)) for name, value in built.items() if name not in _NOT_SHOWN]


def _whom(row: Notification) -> str:
    if recipients.is_person(row.recipient):
        return gettext("%(name)s, at the desk") % {"name": recipients.shown(row.recipient)}
    if row.kind in ABOUT_SEALS:
        return gettext("An address outside the desk, where seals are kept")
    if not row.is_to_subject:
        return gettext("An address of the compliance team")
    is_party = row.recipient.startswith("related-party:")
    return gettext("The related party who is verified") if is_party else gettext("The user who is verified")


def _remarks(row: Notification, *, is_reachable: bool) -> list[str]:
    remarks = [_of_status(row)]
    if not is_reachable:
        remarks.append(
            gettext("No contact with an address is known: nothing is sent until there is one.")
            if row.is_to_subject
            else gettext(
                "Nothing would be sent: this recipient has no address, or is not told of this any more."
            )
        )
    if not _is_true(row):
        remarks.append(
            gettext("As things stand now nothing would be sent: what it tells is not so any more.")
        )
    if _is_held_back(row):
        remarks.append(
            gettext(
                "The session has a code that is marked as a suspicion: nothing is sent to the person concerned until a "
                "supervisor releases it, and it then gives no reasons."
            )
        )
    return [remark for remark in remarks if remark]


def _is_true(row: Notification) -> bool:
    is_final = row.status in (Status.SENT, Status.CANCELLED)
    return is_final or row.alarm_id is not None or row.kind in ALWAYS_TRUE or is_still_true(row)


def _of_status(row: Notification) -> str:
    match Status(row.status):
        case Status.SENT:
            sent = gettext("It was sent on %(at)s. What is shown here is what would be sent today.")
            return sent % {"at": instant(row.sent_at)}
        case Status.WITHHELD:
            return gettext("It is withheld: it leaves only when a supervisor releases it.")
        case Status.CANCELLED:
            return gettext("It was cancelled: nothing is sent.")
        case Status.GAVE_UP:
            return gettext("It was given up: it leaves only when somebody tries again.")
    return ""


def _is_held_back(row: Notification) -> bool:
    is_released = row.released_at is not None and row.withheld_because == HoldCause.SUSPICION
    is_due = row.status in (Status.PENDING, Status.WAITING, Status.GAVE_UP)
    return (
        row.is_to_subject and is_due and not is_released and disclosure.is_under_suspicion(row.about_session)
    )
