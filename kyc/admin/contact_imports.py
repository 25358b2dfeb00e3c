"""Contacts from a CSV file: what would become of each row is shown first, and a second request makes it so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from kyc import contacts
from kyc.admin.base import DeskAdmin, signed_in
from kyc.contacts import Ending, NotATable, Result, Table
from kyc.desk.masking import SEE
from kyc.models import Contact

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_BYTES = 512 * 1024
MOST_ROWS = 2000
MOST_SHOWN = 200
LABELS = {
    Ending.ADDED: pgettext_lazy("row of a file", "Added"),
    Ending.CHANGED: pgettext_lazy("row of a file", "Changed"),
    Ending.UNCHANGED: pgettext_lazy("row of a file", "Unchanged"),
    Ending.REFUSED: pgettext_lazy("row of a file", "Refused"),
}
# To whom contacts are masked these two are one.
KNOWN = (Ending.CHANGED, Ending.UNCHANGED)
KNOWN_LABEL = pgettext_lazy("row of a file", "Known already")


class FileForm(forms.Form):
    """A file to look at; or the text of one that was looked at, to be imported."""

    # No file stands there that could be cleared, as Django's own widget would let somebody ask.
    file = forms.FileField(label=gettext_lazy("CSV file"), required=False, widget=forms.FileInput)
    # As it was read: its line ends and marks are kept by nobody between two requests, and change no row.
    text = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)

    table: Table

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        content = self._content(cleaned)
        if not self.errors:
            try:
                self.table = contacts.read(content)
            except NotATable as error:
                self.add_error("file", str(error))
            else:
                self._guard_number()
        return cleaned

    def _content(self, cleaned: dict[str, Any]) -> bytes:
        if text := cleaned.get("text"):
            return str(text).encode()
        file: UploadedFile[bytes] | None = cleaned.get("file")
        if file is None:
            if not self.errors:
                self.add_error("file", _("Choose a file."))
            return b""
        if (file.size or 0) > MOST_BYTES:
            self._is_too_long()
            return b""
        return bytes(file.read())

    def _guard_number(self) -> None:
        if len(self.table.rows) > MOST_ROWS:
            self._is_too_long()

    def _is_too_long(self) -> None:
        words = _(
            "This page takes %(rows)d rows and %(size)d KiB at once. The command import_contacts takes any number."
        )
        self.add_error("file", words % {"rows": MOST_ROWS, "size": MOST_BYTES // 1024})


def page(admin: DeskAdmin[Contact], request: HttpRequest) -> HttpResponse:
    """Ask for a file, show what it would do, do it."""
    if not (admin.has_add_permission(request) and admin.has_change_permission(request)):
        raise PermissionDenied
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if request.method != "POST" or not form.is_valid():
        return _shown(admin, request, form)
    if "apply" in request.POST:
        _tell(admin, request, list(contacts.apply(form.table, by=signed_in(request))))
        return HttpResponseRedirect(reverse("admin:kyc_contact_changelist"))
    return _shown(admin, request, form, list(contacts.plan(form.table)))


def _shown(
    admin: DeskAdmin[Contact], request: HttpRequest, form: FileForm, results: Sequence[Result] = ()
) -> HttpResponse:
    tally, sees = contacts.tally(results), _sees(request)
    labels = LABELS if sees else {**LABELS, **dict.fromkeys(KNOWN, KNOWN_LABEL)}
    n_to_write = tally[Ending.ADDED] + tally[Ending.CHANGED]
    # What needs a look comes first.
    first = sorted(results, key=lambda result: (result.ending != Ending.REFUSED, result.row.line))
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Import contacts"),
        "opts": admin.opts,
        "form": form,
        "is_read": form.is_bound and form.is_valid(),
        "rows": [(result, labels[result.ending]) for result in first[:MOST_SHOWN]],
        "n_more": max(0, len(results) - MOST_SHOWN),
        "counts": _counts(tally, labels),
        "n_to_write": n_to_write if sees else len(results) - tally[Ending.REFUSED],
        "columns": contacts.COLUMNS,
        "text": _text(form) if results else "",
    }
    status = 400 if form.errors else 200
    return TemplateResponse(request, "admin/kyc/contact/import.html", context, status=status)


def _sees(request: HttpRequest) -> bool:
    """Return True where a person sees contacts anyway: to others a row that changes nothing would confirm a guess."""
    return request.user.has_perm(SEE)


def _counts(tally: Counter[Ending], labels: Mapping[Ending, StrOrPromise]) -> list[tuple[str, int]]:
    """Return the number of rows by what is said of them, in the order of the endings."""
    counts: dict[str, int] = {}
    for ending in Ending:
        if tally[ending]:
            label = str(labels[ending])
            counts[label] = counts.get(label, 0) + tally[ending]
    return list(counts.items())


def _text(form: FileForm) -> str:
    """Return the file's text for the second request: nothing of it is stored in between."""
    if text := form.cleaned_data.get("text"):
        return str(text)
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    file.seek(0)
    return bytes(file.read()).decode("utf-8-sig")


def _tell(admin: DeskAdmin[Contact], request: HttpRequest, results: Sequence[Result]) -> None:
    tally = contacts.tally(results)
    n_same = tally[Ending.UNCHANGED] if _sees(request) else 0
    n_written = len(results) - tally[Ending.REFUSED] - n_same
    said = [ngettext("%(n)d contact imported.", "%(n)d contacts imported.", n_written) % {"n": n_written}]
    if n_same:
        said.append(ngettext("%(n)d was known already.", "%(n)d were known already.", n_same) % {"n": n_same})
    if n_refused := tally[Ending.REFUSED]:
        said.append(ngettext("%(n)d row refused.", "%(n)d rows refused.", n_refused) % {"n": n_refused})
    admin.message_user(request, " ".join(said), messages.WARNING if n_refused else messages.SUCCESS)
