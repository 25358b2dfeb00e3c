"""Who may open a page of the desk."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from kyc import ledger
from kyc.models import User


class DeskRequest(HttpRequest):
    """A request from someone who is signed in."""

    user: User
    htmx: HtmxDetails


def requires[**P, R: HttpResponseBase](
    permission: str,
) -> Callable[
    [Callable[Concatenate[DeskRequest, P], R]], Callable[Concatenate[DeskRequest, P], R | HttpResponse]
]:
    """Open a view to signed-in people with `permission`: others get 403, and visitors the sign-in page."""

    def decorator(
        view: Callable[Concatenate[DeskRequest, P], R],
    ) -> Callable[Concatenate[DeskRequest, P], R | HttpResponse]:
        @wraps(view)
        def checked(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorator


def _to_sign_in(request: DeskRequest) -> HttpResponse:
    """Redirect a visitor; htmx, which would swap a redirect's page into its target, is told to leave the page."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    # Only a path of this host comes out of it, so it is safe to return to.
    page = request.htmx.current_url_abs_path or resolve_url("queue")
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = f"{resolve_url('account_login')}?{urlencode({'next': page})}"
    return answer


def record(request: DeskRequest, action: str, **detail: ledger.Detail) -> None:
    """Put a read on the reader's chain: it is an act, for what is read is personal."""
    # A page writes nothing else, so that there is nothing to come back to.
    with transaction.atomic(savepoint=False):
        ledger.append(ledger.person_chain(request.user), action, actor=request.user, **detail)
