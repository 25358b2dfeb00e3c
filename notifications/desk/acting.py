"""Messages released and tried again by hand, one or many: each for itself, and of each what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db.models import TextChoices
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kyc.desk.access import DeskRequest, requires
from kyc.desk.bulk import ids_in
from kyc.desk.paging import SIZE
from kyc.models import User
from notifications import outbox
from notifications.choices import Status
from notifications.desk.links import contact_forms
from notifications.desk.rows import Row, rows
from notifications.models import Notification

RELEASE = "notifications.release_notification"
# Twice what a page can tick.
MOST = 2 * SIZE


class Act(TextChoices):
    RELEASE = "release", gettext_lazy("Release")
    TRY_AGAIN = "try-again", gettext_lazy("Try again")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message: `words` say what was done, or why nothing was.

    `contact_form` is where the reader can enter the contact that it waits for.
    """

    row: Row
    is_done: bool
    words: str
    contact_form: str = ""


@require_POST
@never_cache
@requires(RELEASE)
def act(request: DeskRequest) -> HttpResponse:
    """Do what the form asks for to each ticked message. A message's own page gets the words on it."""
    wanted, ids = request.POST.get("act", ""), ids_in(request.POST.getlist("message"))
    # Read and written again: what comes in a form is no part of an address before.
    query = QueryDict(request.POST.get("from", "")).urlencode()
    if fault := _fault(wanted, ids):
        messages.error(request, fault)
        return redirect(f"{reverse('notifications')}?{query}" if query else "notifications")
    results = each(Act(wanted), ids, by=request.user)
    if "alone" in request.POST and results:
        (only,) = results
        say = messages.success if only.is_done else messages.error
        say(request, only.words)
        page = reverse("notification", args=[only.row.message.pk])
        return redirect(f"{page}?{urlencode({'from': query})}" if query else page)
    n_done = sum(result.is_done for result in results)
    context = {
        "results": results,
        "summary": _summary(Act(wanted), n_done, len(results)),
        "query": query,
    }
    return render(request, "notifications/desk/results.html", context)


def each(wanted: Act, ids: Sequence[UUID], *, by: User) -> list[Result]:
    """Do one act to each of these messages that there is, in their order on the page, a transaction each."""
    do = outbox.release if wanted == Act.RELEASE else outbox.try_again
    found = Notification.objects.in_bulk(ids)
    chosen = [found[pk] for pk in ids if pk in found]
    done = {message.pk for message in chosen if do(message, by=by)}
    now = Notification.objects.in_bulk([message.pk for message in chosen])
    forms = contact_forms(now.values(), by)
    shown = rows([now[message.pk] for message in chosen])
    return [_result(wanted, row, forms, is_done=row.message.pk in done) for row in shown]


def _result(wanted: Act, row: Row, forms: Mapping[UUID, str], *, is_done: bool) -> Result:
    if not is_done:
        return Result(row, False, _why_not(wanted, row), forms.get(row.message.pk, ""))
    if row.may_be_undone:
        return Result(row, True, _("Released. It leaves when the decision can no longer be undone."))
    if wanted == Act.RELEASE:
        return Result(row, True, _("Released. It leaves within a minute."))
    return Result(row, True, _("It is tried again within a minute."))


def _why_not(wanted: Act, row: Row) -> str:
    status = row.message.status
    if status == Status.SENT:
        return _("Nothing was done: it was sent.")
    if status == Status.CANCELLED:
        return _("Nothing was done: it was cancelled.")
    if status == Status.WAITING:
        return _("Nothing was done: no contact with an address is known. It leaves once there is one.")
    if wanted == Act.RELEASE:
        return _("Nothing was done: it is not withheld.")
    if status == Status.WITHHELD:
        return _("Nothing was done: it is withheld. Release it instead.")
    if row.may_be_undone:
        return _("Nothing was done: the decision that it tells of may still be undone.")
    return _("Nothing was done: it is on its way.")


def _summary(wanted: Act, n_done: int, n_all: int) -> str:
    numbers = {"done": n_done, "all": n_all}
    if wanted == Act.RELEASE:
        words = ngettext(
            "%(done)s of %(all)s message released", "%(done)s of %(all)s messages released", n_all
        )
    else:
        words = ngettext(
            "%(done)s of %(all)s message is tried again",
            "%(done)s of %(all)s messages are tried again",
            n_all,
        )
    return words % numbers


def _fault(wanted: str, ids: Sequence[UUID]) -> str:
    if wanted not in Act:
        return _("Choose what to do with the messages that you ticked.")
    if not ids:
        return _("Tick at least one message first.")
    if len(ids) > MOST:
        return _("Tick at most %(most)s messages. You ticked %(n)s.") % {"most": MOST, "n": len(ids)}
    return ""
