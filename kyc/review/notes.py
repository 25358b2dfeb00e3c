"""Notes: what a person writes beside a session, whoever holds it and whatever became of it."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from kyc.models import Note, User
from kyc.review import acts, writing
from kyc.review.corrections import digest


def add_note(session_id: UUID, *, by: User, text: str) -> Note:
    """Write a note beside a session. It decides nothing, so the session's version stays."""
    with transaction.atomic():
        session = acts.lock(session_id)
        acts.guard_may(by, "kyc.add_note", gettext("Your role can read notes and not write them."))
        writing.guard_faults(text=writing.fault_of_words(text, least=1))
        note = Note.objects.create(session=session, by=by, text=text.strip(), round=session.round)
        acts.record(session, "session.noted", by=by, note=note.pk, text=digest(note.text))
    return note
