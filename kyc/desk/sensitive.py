"""Acts that ask again who is there: exports, erasure, people and roles, confirming as checker.

The second factor was given at most ten minutes ago, if only to sign in; by who has none, the password or the word of
the identity provider. What is asked for meanwhile waits, with what was typed, and goes on afterwards: see `waiting`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from kyc.desk.access import DeskRequest
from kyc.models import User

FRESH = timedelta(minutes=10)
# How often a file on its way asks whether its reader is still signed in, in seconds.
LOOK_EVERY = 1.0
# What proves somebody's identity a second time; the codes on paper are only ever beside one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class AccessEnded(Exception):
    """Who asked for a file was signed out while it was on its way."""


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
    """The same, for a view that answers with a file; one that is long ends with the sign-in that asked for it."""

    @wraps(view)
    def asked(request: R, /, *args: P.args, **kwargs: P.kwargs) -> A:
        require_fresh(request, is_download=True)
        answer = view(request, *args, **kwargs)
        if isinstance(answer, StreamingHttpResponse):
            answer.streaming_content = _while_signed_in(
                request, cast(Iterator[bytes], answer.streaming_content)
            )
        return answer

    return asked


def _while_signed_in(request: HttpRequest, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file for as long as the sign-in lasts, which ends when a role is taken away.

    Raises AccessEnded: the connection breaks, so that nobody takes the half for the whole.
    """
    key, looked_at = request.session.session_key, time.monotonic()
    for part in parts:
        if time.monotonic() - looked_at >= LOOK_EVERY:
            looked_at = time.monotonic()
            if not request.session.exists(key or ""):
                raise AccessEnded
        yield part


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
