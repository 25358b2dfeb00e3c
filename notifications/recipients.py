"""Who is told: the compliance team by address, a subject or a person at the desk by id until the message leaves."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from kyc.choices import EntityType
from kyc.languages import closest
from kyc.models import Contact, Session, User
from notifications import preferences
from notifications.choices import TO_SUBJECTS, Choice, Kind

PERSON = "person"
# For each new session it is asked who wants to hear of it at once. What people choose in another process, or in the
# admin, counts after so many seconds there; whoever lost a role is found out when their message leaves.
SECONDS_REMEMBERED = 5.0

type People = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message goes to, as known at the moment of sending, and in which of the desk's languages."""

    address: str
    name: str = ""
    language: str = ""


# --- The desk ------------------------------------------------------------------------------------
def team() -> list[str]:
    """Return the team's addresses, each once however it is spelt."""
    return _each_once(_team())


def anybody_at_once(kind: Kind) -> bool:
    """Return whether `at_once` would name anybody. Asked of every new session: a query every few seconds at most."""
    return bool(team() or _wanting(kind))


def at_once(
    kind: Kind, *, less: User | None = None, to: User | None = None, session: Session | None = None
) -> list[str]:
    """Return who hears of this kind of thing at once: the team's addresses, and the people who may see to it and want to.

    `less` is who did it, and never among them; `to` is the one person who is asked, if it is one: the team's addresses
    stand in for somebody who wants nothing of the kind, or cannot be reached. No address comes twice.
    """
    if to is not None:
        return _each_once(_named(_reachable(kind, session, to))) or _each_once(_team(less))
    return _each_once(_team(less), _named(_wanting(kind, session), less))


def of_due_time(kind: Kind, holder: User | None, session: Session | None = None) -> list[str]:
    """Return who is warned of a due time: who holds the session, or else the team, and whoever wants to hear of each.

    Of one that has passed nobody may hear but the holder: then the team does.
    """
    held_by = _named(_reachable(kind, session, holder)) if holder else []
    wanting = _named(_wanting(kind, session))
    is_left_to_the_team = not held_by or (kind == Kind.OVERDUE and not wanting)
    return _each_once(_team() if is_left_to_the_team else [], held_by, wanting)


def of_alarm(kind: Kind) -> list[str]:
    """Return who watches over the inbox: the people who want to hear of it at once, or else the team."""
    return _each_once(_named(_wanting(kind))) or team()


def still_at_once(kind: Kind, heard: Iterable[str]) -> list[str]:
    """Return those of these recipients who hear of this kind at once: people who want to, and all others."""
    wanting = {recipient for recipient, _ in _named(_wanting(kind))}
    return [recipient for recipient in heard if recipient in wanting or not is_person(recipient)]


def of_seals() -> list[str]:
    """Return where the ledger's seals are kept, out of the desk's reach."""
    return _each_once((address, address) for address in settings.KYC_SEAL_EMAILS)


def of_digest() -> list[str]:
    """Return whose digest is written each day: the team's addresses, and the people who have not turned it off."""
    return at_once(Kind.DAILY_DIGEST)


def of_person(person: User | None) -> list[str]:
    """Return the recipient that stands for a person at the desk; none where nobody is meant or can be reached."""
    return [f"{PERSON}:{person.pk}"] if person and person.email else []


def who(recipient: str) -> User | None:
    """Return the person at the desk that a recipient stands for, if it stands for one."""
    return User.objects.filter(pk=recipient.partition(":")[2]).first() if is_person(recipient) else None


def forget(**kwargs: Any) -> None:
    """Ask anew who wants to hear of what: somebody's role, account or choice is about to be another."""
    remembered.clear()
    # Until the change is there for all to see another thread may ask, and remember what was before.
    transaction.on_commit(remembered.clear)


# --- Subjects ------------------------------------------------------------------------------------
def subject_of(session: Session) -> str | None:
    """Return the recipient that stands for the session's subject, or None where it names no single one."""
    if session.entity_type == EntityType.USER:
        return _subject(EntityType.USER, session.user_id)
    if session.entity_type == EntityType.RELATED_PARTY:
        return _subject(EntityType.RELATED_PARTY, session.related_party_id)
    return None


def of_contact(contact: Contact) -> str | None:
    """Return the recipient that a contact can be reached as."""
    return _subject(contact.entity_type, contact.subject_id)


def contacts_of(recipient: str, *, is_reachable: bool = True) -> QuerySet[Contact]:
    """Return the contact of a recipient that is a subject, if it has an address: one row or none."""
    entity_type, _, subject_id = recipient.partition(":")
    found = Contact.objects.filter(entity_type=entity_type, subject_id=UUID(subject_id))
    return found.exclude(email="") if is_reachable else found


# --- When a message leaves -----------------------------------------------------------------------
def addressee(recipient: str, kind: str, session: Session | None = None) -> Addressee | None:
    """Return where a message of this kind goes now, or None: no contact is known, or it is not the person's any more.

    Nor is it the person's who has turned the kind off since, or may not see to such a session now.
    """
    if is_person(recipient):
        person = _willing(Kind(kind), session).filter(pk=recipient.partition(":")[2]).first()
        if person is None or not is_address(person.email):
            return None
        return Addressee(person.email, language=language_of(person.language))
    if kind not in TO_SUBJECTS:
        return Addressee(recipient, language=settings.LANGUAGE_CODE) if is_address(recipient) else None
    return _at(contacts_of(recipient).first())


def addressees(wanted: Iterable[tuple[str, str, Session | None]]) -> list[Addressee | None]:
    """Return what `addressee` does for each recipient, kind and session: few statements for many subjects."""
    asked = list(wanted)
    subjects = {UUID(recipient.partition(":")[2]) for recipient, kind, _ in asked if kind in TO_SUBJECTS}
    reachable = Contact.objects.filter(subject_id__in=subjects).exclude(email="") if subjects else ()
    contacts = {of_contact(contact): contact for contact in reachable}
    desk: dict[tuple[str, str, bool], Addressee | None] = {}
    found = []
    for recipient, kind, session in asked:
        if kind in TO_SUBJECTS:
            found.append(_at(contacts.get(recipient)))
            continue
        same = recipient, kind, _is_for_supervisors(session)
        if same not in desk:
            desk[same] = addressee(recipient, kind, session)
        found.append(desk[same])
    return found


def _at(contact: Contact | None) -> Addressee | None:
    if contact is None or not is_address(contact.email):
        return None
    return Addressee(contact.email, contact.name, language_of(contact.language))


def language_of(wanted: str) -> str:
    """Return the language of ours that comes closest to the one that is wanted, or else the desk's."""
    return closest(wanted) or settings.LANGUAGE_CODE


def is_address(text: str) -> bool:
    """Return True for an e-mail address that a message can go to."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def is_person(recipient: str) -> bool:
    """Return True for a person at the desk."""
    return recipient.startswith(f"{PERSON}:")


def shown(recipient: str) -> str:
    """Return the recipient for a page of the admin: a person at the desk by their name there."""
    person = who(recipient)
    return person.username if person else recipient


# --- Who may, and wants to -----------------------------------------------------------------------
remembered: dict[tuple[Kind, bool], tuple[float, People]] = {}


def _wanting(kind: Kind, session: Session | None = None) -> People:
    """Return the people who want to hear of this kind at once. In the webhook's path they are remembered for seconds."""
    key = kind, _is_for_supervisors(session)
    until, people = remembered.get(key, (0.0, []))
    now = time.monotonic()
    if until <= now:
        people = _read(_may(kind, session).filter(preferences.wants(kind, Choice.AT_ONCE)))
        if kind == Kind.REVIEW_OPENED:
            remembered[key] = now + SECONDS_REMEMBERED, people
    return people


def _reachable(kind: Kind, session: Session | None, person: User) -> People:
    """Return the person, unless they may not hear of this kind, or want nothing of it, or have no address."""
    return _read(_willing(kind, session).filter(pk=person.pk))


def _may(kind: Kind, session: Session | None) -> QuerySet[User]:
    return preferences.people(kind, for_supervisors=_is_for_supervisors(session))


def _willing(kind: Kind, session: Session | None) -> QuerySet[User]:
    return _may(kind, session).exclude(preferences.wants(kind, Choice.OFF))


def _read(people: QuerySet[User]) -> People:
    found = people.exclude(email="").order_by("pk").values_list("pk", "email")
    return [(pk, email) for pk, email in found if is_address(email)]


def _is_for_supervisors(session: Session | None) -> bool:
    return session is not None and (session.is_disputed or session.escalated_at is not None)


def _team(less: User | None = None) -> list[tuple[str, str]]:
    """Return the team's recipients with their addresses, but not a mailbox of theirs alone who did it."""
    found = [(address, address) for address in settings.COMPLIANCE_TEAM_EMAILS]
    own = less.email.casefold() if less else ""
    others = [pair for pair in found if pair[1].casefold() != own]
    if less is None or len(others) == len(found):
        return found
    is_shared = User.objects.filter(email__iexact=own, is_active=True).exclude(pk=less.pk).exists()
    return found if is_shared else others


def _named(people: People, less: User | None = None) -> list[tuple[str, str]]:
    """Return the recipients that stand for people, with their addresses."""
    return [(f"{PERSON}:{pk}", email) for pk, email in people if less is None or pk != less.pk]


def _each_once(*several: Iterable[tuple[str, str]]) -> list[str]:
    """Return the recipients of these, of those that share a mailbox the first one."""
    by_address: dict[str, str] = {}
    for found in several:
        for recipient, address in found:
            by_address.setdefault(address.casefold(), recipient)
    return list(by_address.values())


def _subject(entity_type: str, subject_id: UUID | None) -> str | None:
    return f"{entity_type}:{subject_id}" if subject_id else None
