"""Demo data that people would enter at the desk: what reason codes mean, and how some users can be reached."""

from __future__ import annotations

from random import Random

from django.db import transaction

from kyc.choices import ContactSource, EntityType, SessionState
from kyc.models import Contact, ReasonCode, Session
from kyc.models.digests import text_digest
from kyc.ralio.simulator import vocabulary
from kyc.signals import contact_changed

# Code -> label, guidance for officers, words for the subject (empty: the subject is never told), is it a suspicion.
CATALOGUE = {
    "EXPIRED_DOCUMENT": (
        "Document expired",
        "Compare the expiry date with the day of the attempt.",
        "The document that you showed has expired. Please try again with a valid one.",
        False,
    ),
    "KYC.DOC.DETERIORATED": (
        "Document illegible",
        "Stains or tears over the name, number or photograph? Ask for another document.",
        "We could not read your document. Please try again with one that is clean and undamaged.",
        False,
    ),
    "KYC.DOC.INCOMPLETE": (
        "Document cut off",
        "All four corners have to be in the picture.",
        "Part of your document was outside the picture. Please try again with the whole document in view.",
        False,
    ),
    "KYC.DOC.UNSUPPORTED": ("Document type not accepted", "See the list of documents by country.", "", False),
    "KYC.FACE.OBSCURED": (
        "Face covered",
        "Glasses, hair, a hand or a shadow over the face.",
        "Your face was partly covered. Please try again in good light, without a hat or sunglasses.",
        False,
    ),
    "KYC.FACE.NOT_LIVE": ("No live person", "A picture of a picture, or a screen? Escalate if so.", "", True),
    "KYC.ID.DUPLICATE": ("Identity used twice", "Look for the other user before you decide.", "", True),
    "KYC.ID.DATA_MISMATCH": (
        "Data differ from the document",
        "Check the spelling and the order of names.",
        "",
        False,
    ),
    "LOW_CONFIDENCE": (
        "Face match uncertain",
        "Compare the photographs; age and light explain a lot.",
        "",
        False,
    ),
    "NO_MATCH": ("Face does not match", "Two different people? Escalate if so.", "", True),
}
_N_CONTACTS = 60


def describe_codes() -> None:
    """Describe the reason codes, once: what people have changed since stays.

    Before the first session comes, so that those with a code marked as a suspicion go to supervisors at once.
    """
    with transaction.atomic():
        if not ReasonCode.objects.exclude(label="").exists():
            _describe_codes()


def enter_contacts() -> None:
    """Enter some contacts, once."""
    with transaction.atomic():
        if not Contact.objects.filter(source=ContactSource.PERSON).exists():
            _enter_contacts()


def _describe_codes() -> None:
    categories = {issue.code: issue.category for issue in vocabulary.ISSUES}
    for code, (label, guidance, subject_text, is_suspicion) in CATALOGUE.items():
        ReasonCode.objects.update_or_create(
            digest=text_digest(code),
            defaults={
                "label": label,
                "guidance": guidance,
                "subject_text": subject_text,
                "is_disclosable": bool(subject_text),
                "is_suspicion": is_suspicion,
            },
            create_defaults={
                "code": code,
                "category": categories[code],
                "label": label,
                "guidance": guidance,
                "subject_text": subject_text,
                "is_disclosable": bool(subject_text),
                "is_suspicion": is_suspicion,
            },
        )


def _enter_contacts() -> None:
    """Enter contacts of users who wait or were rejected, but not of all: one is often not known."""
    rng = Random()  # noqa: S311 - invented people
    sessions = Session.objects.filter(
        entity_type=EntityType.USER, state__in=[SessionState.REVIEW, SessionState.REJECTED]
    )
    users = dict.fromkeys(session.user_id for session in sessions.order_by("-last_event_at")[:100])
    for user_id in [user_id for user_id in users if user_id][:_N_CONTACTS]:
        first, last, email = vocabulary.person(rng)
        contact = Contact.objects.create(
            entity_type=EntityType.USER,
            subject_id=user_id,
            name=f"{first} {last}",
            email=email,
            language="en",
        )
        contact_changed.send(Contact, contact=contact)
