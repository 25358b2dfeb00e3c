"""Acts that ask again who is there: exports, erasure, people and roles, confirming as checker.

The second factor was given at most ten minutes ago, if only to sign in; by who has none, the password or the word of
the identity provider. What is asked for meanwhile waits, with what was typed, and goes on afterwards: see `waiting`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from kyc.desk.access import DeskRequest
from kyc.models import User

FRESH = timedelta(minutes=10)
# What proves somebody's identity a second time; the codes on paper are only ever beside one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Stale(ReauthenticationRequired):  # type: ignore[misc]
    """Who is there must be asked again. A download does not leave the page that asked, so that one offers it."""

    def __init__(self, *, is_download: bool = False) -> None:
        super().__init__()
        self.is_download = is_download


def sensitive[R: DeskRequest, **P, A: HttpResponseBase](
    view: Callable[Concatenate[R, P], A],
) -> Callable[Concatenate[R, P], A]:
    """Ask again before a view; under `requires`, which asks whether the person may at all."""

    @wraps(view)
    def asked(request: R, /, *args: P.args, **kwargs: P.kwargs) -> A:
        require_fresh(request)
        return view(request, *args, **kwargs)

    return asked


def sensitive_download[R: DeskRequest, **P, A: HttpResponseBase](
    view: Callable[Concatenate[R, P], A],
) -> Callable[Concatenate[R, P], A]:
    """The same, for a view that answers with a file."""

    @wraps(view)
    def asked(request: R, /, *args: P.args, **kwargs: P.kwargs) -> A:
        require_fresh(request, is_download=True)
        return view(request, *args, **kwargs)

    return asked


def require_fresh(request: HttpRequest, *, is_download: bool = False) -> None:
    """Raise Stale unless it was proved lately who is there."""
    if not is_fresh(request):
        raise Stale(is_download=is_download)


def is_fresh(request: HttpRequest) -> bool:
    since = time.time() - FRESH.total_seconds()
    lately = [record for record in _records(request) if record["at"] >= since]
    if any(_is_second(record) for record in lately):
        return True
    return bool(lately) and not has_factor(request.user)


def has_second_factor(request: HttpRequest) -> bool:
    """Return True when the sign-in, or what came after it, included a second factor."""
    return any(_is_second(record) for record in _records(request))


def has_factor(person: Any) -> bool:
    """Return True when the person has set up a second factor."""
    return bool(Authenticator.objects.filter(user_id=person.pk, type__in=FACTORS).exists())


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    person = request.user
    found: list[dict[str, Any]] = (
        get_authentication_records(request, person) if isinstance(person, User) else []
    )
    return found


def _is_second(record: dict[str, Any]) -> bool:
    if record["method"] == "socialaccount":
        return bool(settings.OIDC_TRUSTS_MFA)
    return bool(record["method"] == "mfa")
