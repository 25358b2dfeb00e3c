"""Who is told: the compliance team by address, a subject by id until the message leaves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from kyc.choices import EntityType
from kyc.models import Contact, Session


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message goes to, as known at the moment of sending."""

    address: str
    name: str = ""


def team() -> list[str]:
    """Return the team's addresses, each once however it is spelt."""
    return list({address.casefold(): address for address in settings.COMPLIANCE_TEAM_EMAILS}.values())


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


def addressee(recipient: str, *, is_subject: bool) -> Addressee | None:
    """Return where a message goes now, or None while no contact is known."""
    if not is_subject:
        return Addressee(recipient)
    contact = contacts_of(recipient).first()
    return Addressee(contact.email, contact.name) if contact else None


def _subject(entity_type: str, subject_id: UUID | None) -> str | None:
    return f"{entity_type}:{subject_id}" if subject_id else None
