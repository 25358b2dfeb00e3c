"""Write a note beside a session, whoever holds it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext

from kyc import review
from kyc.desk.access import DeskRequest
from kyc.desk.acting import Kept, acts, attempt, back
from kyc.desk.forms import NoteForm


@acts
def note(request: DeskRequest, pk: UUID) -> HttpResponse:
    form = NoteForm(request.POST)

    def write() -> None:
        review.add_note(pk, by=request.user, text=form.cleaned_data["text"])

    refused = attempt(request, pk, Kept("note", form), write)
    return refused if isinstance(refused, HttpResponse) else back(request, pk, gettext("Note added."))
