"""Sign-in through the company's identity provider, by OpenID Connect.

The browser goes there by a form of the sign-in page and comes back with a code, which the desk exchanges for what the
provider says of the person. Who they are at the desk then is `provider_people`'s to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import BadRequest, ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.csp import CSP
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kyc.desk import identities
from kyc.desk.provider_claims import Claims

PROVIDER = settings.OIDC_PROVIDER_ID
# What the provider is told where it is to ask again; with `max_age` the standard has it say when it asked.
ASK_AGAIN = {"prompt": "login", "max_age": "0"}
PROCESSES = frozenset({AuthProcess.LOGIN, AuthProcess.REDIRECT})
# How long ago the provider may have asked who is there when it was told to ask again.
JUST_NOW = 120
# What a provider's answer raises that is not what the standard says.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, ImproperlyConfigured)


def is_there() -> bool:
    return bool(settings.OIDC_ISSUER)


def opens_provider[**P, R: HttpResponseBase](view: Callable[P, R]) -> Callable[P, R]:
    """Let the forms of a view's page lead to the provider, which the policy of every other page forbids."""

    @wraps(view)
    def opened(*args: P.args, **kwargs: P.kwargs) -> R:
        response = view(*args, **kwargs)
        if is_there():
            policy = {**settings.SECURE_CSP, "form-action": [CSP.SELF, *origins()]}
            response._csp_config = policy  # type: ignore[attr-defined]
        return response

    return opened


def origins() -> list[str]:
    """Return where a sign-in leads on its way: the provider itself, and what else the setting names."""
    parts = urlsplit(settings.OIDC_ISSUER)
    return list(dict.fromkeys([f"{parts.scheme}://{parts.netloc}", *settings.OIDC_ORIGINS]))


class ProviderAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's way to the provider, which keeps nothing of what it says but what the desk needs."""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        login = super().complete_login(request, app, token, **kwargs)
        login.claims = Claims.read(login.account.extra_data)
        if identities.is_of_another_issuer(login.account.uid):
            raise refuse(request, "another_issuer")
        login.account.extra_data = identities.kept()
        return login


class Callback(OAuth2CallbackView):  # type: ignore[misc]
    """allauth's, for answers too that are not what the standard says."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().dispatch(request, *args, **kwargs)
        except UNREADABLE:
            return trouble(request, AuthError.UNKNOWN)
        return response


@require_POST
@never_cache
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead to the provider; from there it goes on in `callback`."""
    _there(provider_id)
    _refuse_more(request)
    _ask_again(request)
    try:
        response: HttpResponse = OAuth2LoginView.adapter_view(ProviderAdapter(request, provider_id))(request)
    except (OSError, *UNREADABLE):
        return trouble(request, "unreachable")
    return response


@require_safe
@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in whom the provider sends back."""
    if provider_id == PROVIDER and not is_there():
        # The setting was taken away while somebody was there.
        return redirect("account_login")
    _there(provider_id)
    response: HttpResponse = Callback.adapter_view(ProviderAdapter(request, provider_id))(request)
    return response


def _refuse_more(request: HttpRequest) -> None:
    """Pass on to the provider nothing that the desk does not ask: allauth would add it to the address."""
    if request.GET.keys() - {"process", "next"}:
        raise BadRequest
    # Every one of them: which of two allauth would read is its own affair.
    if not PROCESSES.issuperset([*request.GET.getlist("process"), *request.POST.getlist("process")]):
        raise BadRequest


def _ask_again(request: HttpRequest) -> None:
    """Have the provider ask who is there where that is to be confirmed, whatever the browser's address says."""
    if AuthProcess.REDIRECT in {request.GET.get("process"), request.POST.get("process")}:
        asked: Any = request.GET.copy()
        asked["auth_params"] = urlencode(ASK_AGAIN)
        request.GET = asked


def _there(provider_id: str) -> None:
    if not is_there() or provider_id != PROVIDER:
        raise Http404


def was_asked_just_now(claims: Claims) -> bool:
    """Return True when the provider says that it asked the person a moment ago; what it does not say, nobody knows."""
    return claims.asked_at is not None and abs(time.time() - claims.asked_at) < JUST_NOW


# --- What went wrong -----------------------------------------------------------------------------
def trouble(request: HttpRequest, cause: str) -> HttpResponse:
    """Say on a page of its own why nobody is signed in, and what to do."""
    texts: dict[str, tuple[HTTPStatus, str, str]] = {
        AuthError.CANCELLED: (
            HTTPStatus.FORBIDDEN,
            gettext("You are not signed in"),
            gettext("The sign-in at %(provider)s was stopped. You can begin again."),
        ),
        "unreachable": (
            HTTPStatus.SERVICE_UNAVAILABLE,
            gettext("%(provider)s does not answer"),
            gettext("The desk cannot reach it at the moment. Try again in a minute."),
        ),
        "no_role": (
            HTTPStatus.FORBIDDEN,
            gettext("You have no role at the desk"),
            gettext(
                "%(provider)s knows you, but puts you in no group that has work here. Ask whoever looks after"
                " the groups there. The attempt is recorded."
            ),
        ),
        "closed": (
            HTTPStatus.FORBIDDEN,
            gettext("Your account here is closed"),
            gettext("%(provider)s knows you, but an administrator closed your account at the desk."),
        ),
        "another": (
            HTTPStatus.FORBIDDEN,
            gettext("That was another account"),
            gettext("Confirm with the account at %(provider)s that you are signed in with here."),
        ),
        "not_asked": (
            HTTPStatus.FORBIDDEN,
            gettext("Nothing was confirmed"),
            gettext(
                "%(provider)s did not say that it has just asked who is there. Sign out there, then try again. If that"
                " does not help, set up an authenticator app or a passkey here."
            ),
        ),
        "one_factor": (
            HTTPStatus.FORBIDDEN,
            gettext("A password alone is not enough"),
            gettext(
                "%(provider)s says that it let you in by a password alone. Sign in there with a second factor. The"
                " attempt is recorded."
            ),
        ),
        "another_issuer": (
            HTTPStatus.FORBIDDEN,
            gettext("Your account belongs to another provider"),
            gettext(
                "The desk knows this identifier from another identity provider, where it may be somebody else's. An"
                " administrator can name your new one. The attempt is recorded."
            ),
        ),
    }
    unknown = (
        HTTPStatus.BAD_REQUEST,
        gettext("The sign-in did not work"),
        gettext(
            "The answer of %(provider)s does not belong to a sign-in that this browser began. Begin again."
        ),
    )
    status, heading, words = texts.get(cause, unknown)
    named = {"provider": settings.OIDC_NAME}
    context = {"heading": heading % named, "words": words % named}
    return render(request, "account/provider_trouble.html", context, status=status)


def refuse(request: HttpRequest, cause: str) -> ImmediateHttpResponse:
    """Return what to raise where the provider's word is not enough."""
    return ImmediateHttpResponse(trouble(request, cause))
