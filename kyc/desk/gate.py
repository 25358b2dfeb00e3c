"""Who must do something first: set up a second factor, give it, or say again who they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url

from kyc.desk import waiting
from kyc.desk.sensitive import has_factor, has_second_factor
from kyc.models import User

# Where somebody was going when they were asked to set up a second factor.
GOING_TO = "desk_going_to"
# What stays open to somebody who is signed in and has not given a second factor yet. None: what has no name.
OPEN = frozenset(
    {
        "webhook",
        "health-live",
        "health-ready",
        "theme",
        "language",
        "account_login",
        "account_logout",
        "openid_connect_login",
        "openid_connect_callback",
        "confirm",
        "confirm-done",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
    }
)


class GateMiddleware:
    """Lead people of the desk to a second factor where it is required, and to a confirmation where an act wants one.

    It stands after allauth's middleware, so that it is the one that answers allauth's own wish for a confirmation.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.KYC_MFA_REQUIRED or (match and match.view_name in OPEN):
            return None
        person = request.user
        if not isinstance(person, User) or not _is_of_the_desk(person) or has_second_factor(request):
            return None
        if has_factor(person):
            return waiting.suspend(request, is_download=False)
        if request.method == "GET" and not request.htmx:  # type: ignore[attr-defined]
            request.session[GOING_TO] = request.get_full_path()
        return _leave(request, resolve_url("mfa_index"))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ReauthenticationRequired) or not isinstance(request.user, User):
            return None
        return waiting.suspend(request, is_download=getattr(exception, "is_download", False))


def _is_of_the_desk(person: User) -> bool:
    return bool(person.granted.roles) or person.is_staff or person.is_superuser


def _leave(request: HttpRequest, address: str) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(address)
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = address
    return answer
