"""Who is told: the compliance team by address, a subject or a supervisor by id until the message leaves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from kyc.choices import EntityType
from kyc.models import Contact, Session, User
from notifications.choices import ABOUT_ALARMS, TO_SUBJECTS

PERSON = "person"
MAY_DECIDE = "kyc.decide_session"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message goes to, as known at the moment of sending."""

    address: str
    name: str = ""


def team() -> list[str]:
    """Return the team's addresses, each once however it is spelt."""
    return list({address.casefold(): address for address in settings.COMPLIANCE_TEAM_EMAILS}.values())


def supervisors() -> list[str]:
    """Return the recipients that watch over the rest: the supervisors who can be reached, or else the team."""
    people = {person.email.casefold(): person for person in _supervisors().order_by("-pk")}
    return sorted(f"{PERSON}:{person.pk}" for person in people.values()) or team()


def of_person(person: User | None) -> list[str]:
    """Return the recipient that stands for a person at the desk; none where nobody is meant or can be reached."""
    return [f"{PERSON}:{person.pk}"] if person and person.email else []


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


def contacts_of(recipient: str) -> QuerySet[Contact]:
    """Return the contact with an address of a recipient that is a subject: one row or none."""
    entity_type, _, subject_id = recipient.partition(":")
    return Contact.objects.filter(entity_type=entity_type, subject_id=UUID(subject_id)).exclude(email="")


def addressee(recipient: str, kind: str) -> Addressee | None:
    """Return where a message of this kind goes now, or None: no contact is known, or it is not the person's any more."""
    if is_person(recipient):
        people = _supervisors() if kind in ABOUT_ALARMS else _deciders()
        person = people.filter(pk=recipient.partition(":")[2]).first()
        return Addressee(person.email) if person else None
    if kind not in TO_SUBJECTS:
        return Addressee(recipient)
    contact = contacts_of(recipient).first()
    return Addressee(contact.email, contact.name) if contact else None


def is_person(recipient: str) -> bool:
    """Return True for a person at the desk."""
    return recipient.startswith(f"{PERSON}:")


def shown(recipient: str) -> str:
    """Return the recipient for a page of the admin: a person at the desk by their name there."""
    if not is_person(recipient):
        return recipient
    person = User.objects.filter(pk=recipient.partition(":")[2]).first()
    return person.username if person else recipient


def _supervisors() -> QuerySet[User]:
    return User.objects.filter(groups__name="supervisor", is_active=True).exclude(email="")


def _deciders() -> QuerySet[User]:
    return User.objects.with_perm(MAY_DECIDE).exclude(email="")


def _subject(entity_type: str, subject_id: UUID | None) -> str | None:
    return f"{entity_type}:{subject_id}" if subject_id else None
