"""Unmask one session's, delivery's, refused request's or contact's personal data: a form with a reason, and its doors."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kyc.desk import masking
from kyc.desk.access import DeskRequest, requires
from kyc.desk.masking import LEAST_REASON, LONGEST_REASON, UNMASK
from kyc.models import Contact, Delivery, RefusedRequest, Session

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class UnmaskForm(forms.Form):
    """Why a person wants to see. It stays in the ledger for good, so that it may name nobody."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        error_messages={"required": gettext_lazy("Say why you need to see it.")},
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if len(reason) < LEAST_REASON:
            words = gettext("Say why in at least %(least)d characters.")
            raise ValidationError(words % {"least": LEAST_REASON})
        if "@" in reason:
            raise ValidationError(gettext("Leave out addresses: the ledger keeps this reason for good."))
        return reason


@dataclass(frozen=True, slots=True)
class Target:
    """What is unmasked: where it lies, its session if it has one, the door of the act, and the page to go back to.

    The first of `places` is its own; where another one is open, it is seen too.
    """

    places: tuple[str, ...]
    session_id: UUID | None
    action: str
    page: str
    title: StrOrPromise


def of_session(pk: UUID) -> Target:
    action, page = reverse("session-unmask", args=[pk]), reverse("session", args=[pk])
    return Target(
        (masking.of_session(pk),), pk, action, page, gettext_lazy("Unmask this session’s personal data")
    )


def of_delivery(row: Delivery) -> Target:
    action, page = reverse("delivery-unmask", args=[row.pk]), reverse("delivery", args=[row.pk])
    title = gettext("Unmask delivery %(pk)d") % {"pk": row.pk}
    return Target(masking.of_delivery(row), row.session_id, action, page, title)


def of_refused(row: RefusedRequest) -> Target:
    action, page = reverse("refused-request-unmask", args=[row.pk]), reverse("refused-request", args=[row.pk])
    title = gettext("Unmask refused request %(pk)d") % {"pk": row.pk}
    return Target((masking.of_refused(row),), None, action, page, title)


def of_contact(row: Contact) -> Target:
    action, page = (
        reverse("contact-unmask", args=[row.pk]),
        reverse("admin:kyc_contact_change", args=[row.pk]),
    )
    return Target((masking.of_contact(row),), None, action, page, gettext_lazy("Unmask this contact"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("kyc.view_session")
@requires(UNMASK)
def session(request: DeskRequest, pk: UUID) -> HttpResponse:
    return _answer(request, of_session(get_object_or_404(Session.objects.only("pk"), pk=pk).pk))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("kyc.view_delivery")
@requires(UNMASK)
def delivery(request: DeskRequest, pk: int) -> HttpResponse:
    return _answer(request, of_delivery(get_object_or_404(Delivery.objects.only("session_id"), pk=pk)))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("kyc.view_refusedrequest")
@requires(UNMASK)
def refused_request(request: DeskRequest, pk: int) -> HttpResponse:
    return _answer(request, of_refused(get_object_or_404(RefusedRequest.objects.only("pk"), pk=pk)))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("kyc.view_contact")
@requires(UNMASK)
def contact(request: DeskRequest, pk: int) -> HttpResponse:
    return _answer(request, of_contact(get_object_or_404(Contact.objects.only("pk"), pk=pk)))


def refused(request: HttpRequest, target: Target) -> HttpResponse:
    """Answer who asks for exact bytes that are masked: how to come to see them."""
    if not request.user.has_perm(UNMASK):
        raise PermissionDenied(gettext("This is personal data, which your role does not see."))
    return _page(request, target, UnmaskForm(), is_refused=True, status=HTTPStatus.FORBIDDEN)


def _answer(request: DeskRequest, target: Target) -> HttpResponse:
    """Ask for the reason; with one, unmask and go back to where it was asked. `mask` masks again."""
    if request.method != "POST":
        return _page(request, target, UnmaskForm())
    if "mask" in request.POST:
        masking.mask(request, *target.places, by=request.user, session_id=target.session_id)
        return _back(request, target)
    form = UnmaskForm(request.POST)
    if not form.is_valid():
        return _page(request, target, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    reason = form.cleaned_data["reason"]
    masking.unmask(request, target.places[0], by=request.user, reason=reason, session_id=target.session_id)
    return _back(request, target)


def _page(
    request: HttpRequest, target: Target, form: UnmaskForm, *, is_refused: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "unmask": target,
        "sight": masking.sight(request, *target.places),
        "form": form,
        "is_refused": is_refused,
        "next": _next(request) or target.page,
    }
    return render(request, "desk/masking/page.html", context, status=status)


def _back(request: HttpRequest, target: Target) -> HttpResponse:
    return HttpResponseRedirect(_next(request) or target.page, status=HTTPStatus.SEE_OTHER)


def _next(request: HttpRequest) -> str | None:
    """Return the page that the request names as `next`, if it is one of ours."""
    page = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_ours else None
