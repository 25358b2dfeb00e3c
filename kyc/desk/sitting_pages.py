"""Where a person is signed in, with a way to end it."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kyc import ledger, sittings
from kyc.desk import browsers
from kyc.desk.access import DeskRequest


@never_cache
@require_safe
@login_required
def page(request: DeskRequest) -> HttpResponse:
    found = sittings.of(request.user)
    listed = [(each, browsers.words(each.browser), _is_this(request, each.key)) for each in found]
    context = {
        # This browser first, then as they were last used.
        "sittings": sorted(listed, key=lambda row: not row[2]),
        "n_others": sum(not is_this for _, _, is_this in listed),
        "idle_minutes": int(settings.KYC_SESSION_IDLE.total_seconds() // 60),
        "hours": int(settings.KYC_SESSION.total_seconds() // 3600),
    }
    return render(request, "account/sessions.html", context)


@never_cache
@require_POST
@login_required
def end(request: DeskRequest, pk: int) -> HttpResponse:
    """Sign out of one browser; out of this one as by its own button."""
    if any(each.pk == pk and _is_this(request, each.key) for each in sittings.of(request.user)):
        logout(request)
        return redirect("account_login")
    get_object_or_404(UserSession, pk=pk, user=request.user)
    return _ended(request, end_elsewhere(request, only=pk))


@never_cache
@require_POST
@login_required
def end_others(request: DeskRequest) -> HttpResponse:
    return _ended(request, end_elsewhere(request))


def _is_this(request: DeskRequest, key: str) -> bool:
    return key == request.session.session_key


def end_elsewhere(request: DeskRequest, only: int | None = None) -> int:
    """Sign the person out of every other browser, or of one of them. Return of how many."""
    with transaction.atomic():
        n_ended = sittings.end_sessions(request.user, but=request.session.session_key, only=only)
        if n_ended:
            chain = ledger.person_chain(request.user)
            ledger.append(chain, "person.signed_out_elsewhere", actor=request.user, n=n_ended)
    return n_ended


def _ended(request: DeskRequest, n_ended: int) -> HttpResponseRedirect:
    if n_ended:
        words = ngettext("Signed out of %(n)d browser.", "Signed out of %(n)d browsers.", n_ended)
        messages.success(request, words % {"n": n_ended})
    else:
        messages.warning(request, gettext("That sign-in had ended already."))
    return redirect("account_sessions")
