"""How long subjects' data is kept, and what people do about it: legal holds, erasure by two people, a subject's export."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kyc import privacy, subject_files
from kyc.choices import EntityType, ErasureStatus
from kyc.desk import privacy_rows
from kyc.desk.access import DeskRequest, requires
from kyc.desk.limits import limited
from kyc.desk.paging import Listing, paginate
from kyc.desk.sensitive import sensitive, sensitive_download
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Erasure, LegalHold
from kyc.review import MOST_WORDS
from kyc.subjects import Subject

VIEW = "kyc.view_erasure"
KEYS = ("-id",)
# Of requests that wait and of holds that stand, the oldest; any other is found by its subject's id.
MOST_LISTED = 100
_SUBJECTS = (EntityType.USER, EntityType.RELATED_PARTY)


class WordsForm(forms.Form):
    """Why something is asked for, or refused. `kyc.privacy` judges the words."""

    reason = forms.CharField(required=False, max_length=MOST_WORDS)


@require_safe
@never_cache
@requires(VIEW)
@limited("search")
def page(request: DeskRequest) -> HttpResponse:
    """Show what waits, what is held and how long data is kept; a searched ID leads to its subject."""
    text = request.GET.get("q", "").strip()
    found = privacy_rows.found(text, request.GET.get("older", "")) if text else privacy_rows.Found([])
    if len(found.subjects) == 1:
        return redirect(_address(found.subjects[0]) + _where(found.place))
    waiting = Erasure.objects.filter(status=ErasureStatus.REQUESTED).select_related("maker")
    answered = Erasure.objects.exclude(status=ErasureStatus.REQUESTED).select_related("maker", "checker")
    holds = LegalHold.objects.filter(lifted_at=None).select_related("placed_by")
    answers = paginate(Listing([answered], KEYS), request.GET)
    context = {
        "searched": text,
        "subjects": found.subjects,
        "where": _where(found.place),
        "further": urlencode({"q": text, "older": found.older}) if found.older else "",
        "waiting": waiting.order_by("id")[:MOST_LISTED],
        "n_waiting": waiting.count(),
        "holds": holds.order_by("id")[:MOST_LISTED],
        "n_holds": holds.count(),
        "page": answers,
        "rows": answers.rows,
        "kept": privacy_rows.kept(),
        "legal_minimum": settings.KYC_LEGAL_MINIMUM.days,
        "last_purge": privacy_rows.last_purge(),
    }
    return render(request, "desk/privacy/page.html", context)


@require_safe
@never_cache
@requires(VIEW)
def subject(request: DeskRequest, entity_type: str, pk: UUID) -> HttpResponse:
    return _show(request, _subject(entity_type, pk))


@require_POST
@never_cache
@requires(privacy.HOLD)
@sensitive
def hold(request: DeskRequest, entity_type: str, pk: UUID) -> HttpResponse:
    of = _subject(entity_type, pk)
    return _act(
        request,
        of,
        "hold",
        lambda said: privacy.place_hold(of, by=request.user, reason=said),
        gettext("Legal hold placed."),
    )


@require_POST
@never_cache
@requires(privacy.LIFT)
@sensitive
def lift(request: DeskRequest, pk: int) -> HttpResponse:
    of = privacy.subject_of(get_object_or_404(LegalHold, pk=pk))
    return _act(
        request,
        of,
        "lift",
        lambda said: privacy.lift_hold(pk, by=request.user, reason=said),
        gettext("Legal hold lifted."),
    )


@require_POST
@never_cache
@requires(privacy.REQUEST)
@sensitive
def erase(request: DeskRequest, entity_type: str, pk: UUID) -> HttpResponse:
    of = _subject(entity_type, pk)
    done = gettext("Erasure requested. It waits for another person.")
    return _act(
        request, of, "erase", lambda said: privacy.request_erasure(of, by=request.user, reason=said), done
    )


@require_POST
@never_cache
@requires(privacy.CONFIRM)
@sensitive
def confirm(request: DeskRequest, pk: int) -> HttpResponse:
    of = privacy.subject_of(get_object_or_404(Erasure, pk=pk))
    done = gettext("The personal data of this subject was erased.")
    return _act(request, of, "confirm", lambda said: privacy.confirm_erasure(pk, by=request.user), done)


@require_POST
@never_cache
@requires(privacy.CONFIRM)
@sensitive
def refuse(request: DeskRequest, pk: int) -> HttpResponse:
    of = privacy.subject_of(get_object_or_404(Erasure, pk=pk))
    done = gettext("Erasure refused.")
    return _act(
        request, of, "refuse", lambda said: privacy.refuse_erasure(pk, by=request.user, answer=said), done
    )


@require_POST
@never_cache
@requires(privacy.EXPORT)
@sensitive_download
@limited("export")
def export(request: DeskRequest, entity_type: str, pk: UUID) -> HttpResponseBase:
    """Stream everything about a subject as JSON. The ledger has it before the first byte leaves."""
    of, form = _subject(entity_type, pk), WordsForm(request.POST)
    form.is_valid()
    try:
        privacy.record_export(of, by=request.user, reason=form.data.get("reason", ""))
    except ActRefused as refused:
        return _refused(request, of, "export", form, refused)
    answer = StreamingHttpResponse(subject_files.lines(of), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="subject-{of.id}.json"'
    return answer


def _act(request: DeskRequest, of: Subject, name: str, act: Callable[[str], Any], done: str) -> HttpResponse:
    """Do what a form asks for and return to the subject's page, or show the page with what was typed."""
    form = WordsForm(request.POST)
    form.is_valid()
    try:
        act(form.data.get("reason", ""))
    except ActForbidden as forbidden:
        return _show(request, of, {name: form}, refusal=str(forbidden), status=HTTPStatus.FORBIDDEN)
    except ActRefused as refused:
        return _refused(request, of, name, form, refused)
    messages.success(request, done)
    return HttpResponseRedirect(_address(of) + _where(request.GET.get("in", "")))


def _refused(
    request: DeskRequest, of: Subject, name: str, form: WordsForm, refused: ActRefused
) -> HttpResponse:
    """Show the page again: what is wrong with the words stands at them, what stands in the way on top."""
    if not hasattr(refused, "error_dict"):
        refusal = " ".join(refused.messages)
        return _show(request, of, {name: form}, refusal=refusal, status=HTTPStatus.CONFLICT)
    form.add_error("reason", refused.messages)
    return _show(request, of, {name: form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _show(
    request: DeskRequest,
    of: Subject,
    typed: dict[str, WordsForm] | None = None,
    *,
    refusal: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    names = ("hold", "lift", "erase", "refuse", "export")
    fresh = {name: WordsForm(auto_id=f"{name}-%s") for name in names}
    for name, form in (typed or {}).items():
        form.auto_id = f"{name}-%s"
    place = request.GET.get("in", "")
    shown = privacy_rows.shown(of, place)
    if not (shown.is_found or shown.holds or shown.erasures or shown.request is not None):
        raise Http404
    context = {
        "shown": shown,
        "subject": of,
        "name": privacy_rows.name_of(of),
        "forms": {**fresh, **(typed or {})},
        "refusal": refusal,
        "where": _where(place),
        "is_maker": shown.request is not None and shown.request.maker_id == request.user.pk,
        "maker_may_not": privacy.MAKER_MAY_NOT
        if shown.request is not None and not privacy.maker_may(shown.request)
        else "",
    }
    return render(request, "desk/privacy/subject.html", context, status=status)


def _subject(entity_type: str, pk: UUID) -> Subject:
    if entity_type not in _SUBJECTS:
        raise Http404
    return Subject(EntityType(entity_type), pk)


def _where(place: str) -> str:
    """Return the end of the address of a subject whom no column names: where the id was found."""
    return f"?{urlencode({'in': place})}" if place else ""


def _address(of: Subject) -> str:
    return reverse("privacy-subject", args=[of.entity_type.value, of.id])
