"""Somebody who is signed in says again who they are, and what they asked for goes on."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from http import HTTPStatus
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from kyc.desk import factors, provider
from kyc.desk.access import DeskRequest
from kyc.desk.passkeys import AgainForm, as_json
from kyc.desk.sensitive import FACTORS, is_fresh
from kyc.desk.waiting import NAME, Waiting, drop, go_on, waiting
from kyc.models import User


@dataclass(frozen=True, slots=True)
class Ways:
    """How a person can say who they are: by a factor, or where they have none by what they signed in with."""

    by_code: bool
    by_passkey: bool
    by_password: bool
    by_provider: bool

    @classmethod
    def of(cls, person: User) -> Ways:
        types = set(Authenticator.objects.filter(user=person).values_list("type", flat=True))
        has_factor = bool(types & set(FACTORS))
        has_password = person.has_usable_password()
        return cls(
            by_code=has_factor and bool(types - {Authenticator.Type.WEBAUTHN}),
            by_passkey=Authenticator.Type.WEBAUTHN in types,
            by_password=not has_factor and has_password,
            by_provider=_has_provider(person)
            and (settings.OIDC_TRUSTS_MFA or not (has_factor or has_password)),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@never_cache
@login_required
def confirm(request: DeskRequest) -> HttpResponseBase:
    """Ask who is there, and go on with what waits under the name that the address has."""
    ways, name = Ways.of(request.user), request.GET.get(NAME, "")
    form: forms.Form | None = None
    if request.method == "POST":
        refused: HttpResponse | None = ratelimit.consume_or_429(
            request, action="reauthenticate", user=request.user
        )
        if refused:
            return refused
        form = _form(request, ways)
        if form is not None and form.is_valid():
            _keep(request, form)
            return _forward(request, name)
        _record_failure(request, form)
    return _ask(request, ways, name, form)


@provider.opens_provider
def _ask(request: DeskRequest, ways: Ways, name: str, form: forms.Form | None) -> HttpResponse:
    context = {
        "form": form,
        "ways": ways,
        "has_way": any(astuple(ways)),
        "name": name,
        "is_waiting": waiting(request, name) is not None,
        "provider": _provider(name) if ways.by_provider else "",
        "provider_name": settings.OIDC_NAME,
        "passkey_options": as_json(webauthn.begin_authentication(request.user)) if ways.by_passkey else "",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form else HTTPStatus.OK
    return render(request, "account/confirm.html", context, status=status)


@require_safe
@never_cache
@login_required
def done(request: DeskRequest) -> HttpResponse:
    """Offer what waits, to somebody whom the identity provider has sent back here."""
    name = request.GET.get(NAME, "")
    wanted = waiting(request, name)
    if not is_fresh(request):
        return HttpResponseRedirect(f"{reverse('confirm')}?{urlencode({NAME: name})}")
    return _offer(request, name, wanted) if wanted else HttpResponseRedirect(resolve_url("queue"))


def _form(request: DeskRequest, ways: Ways) -> forms.Form | None:
    """Return the form that was sent, if it is one that this person has."""
    known: list[tuple[bool, str, type[forms.Form]]] = [
        (ways.by_code, "code", factors.CodeAgainForm),
        (ways.by_passkey, "credential", AgainForm),
        (ways.by_password, "password", ReauthenticateForm),
    ]
    fitting = (form for has, field, form in known if has and field in request.POST)
    form: Any = next(fitting, None)
    return form(request.POST, user=request.user) if form else None


def _keep(request: HttpRequest, form: forms.Form) -> None:
    if isinstance(form, ReauthenticateForm):
        reauthenticate_by_password(request)
    else:
        form.save()  # type: ignore[attr-defined]


def _forward(request: DeskRequest, name: str) -> HttpResponseBase:
    wanted = waiting(request, name)
    if wanted is None:
        return HttpResponseRedirect(resolve_url("queue"))
    if wanted.is_download:
        return _offer(request, name, wanted)
    drop(request, name)
    return go_on(request, wanted)


def _offer(request: DeskRequest, name: str, wanted: Waiting) -> HttpResponse:
    """Show a button that goes on: a file does not leave its page, and a redirect cannot carry a form."""
    drop(request, name)
    if wanted.form is None and not wanted.is_download:
        return HttpResponseRedirect(wanted.path)
    return render(request, "account/confirmed.html", {"wanted": wanted})


def _record_failure(request: DeskRequest, form: Any) -> None:
    """Passkeys have no signal of their own for it."""
    if isinstance(form, AgainForm):
        factors.failed(request.user, Authenticator.Type.WEBAUTHN)


def _has_provider(person: User) -> bool:
    return provider.is_there() and bool(SocialAccount.objects.filter(user=person).exists())


def _provider(name: str) -> str:
    """Return the address of the identity provider's sign-in that leads back here, and asks there too."""
    query = {
        "process": "redirect",
        "next": f"{reverse('confirm-done')}?{urlencode({NAME: name})}",
    }
    return f"{reverse('openid_connect_login', args=[settings.OIDC_PROVIDER_ID])}?{urlencode(query)}"
