"""Sign-ins end by themselves: after a while without use, and after a working day in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from kyc import ledger, sittings
from kyc.models import User
from kyc.sittings import Ending

# What pages ask for by themselves, whether somebody sits before them or not.
POLLS = frozenset({"queue-new", "queue-rows", "deliveries-new", "deliveries-health"})
# Who is no longer signed in is at the right place there, and needs to come by to sign in.
OPEN = ("/account/login/", "/account/oidc/")


class SittingMiddleware:
    """End what has lasted too long, say so on the sign-in page, and note what is in use, once a minute at most."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            return self._followed(request, None)
        before = request.session.session_key
        ending = _ending(request)
        if ending is None:
            return self._followed(request, before)
        _end(request, ending)
        if request.path_info.startswith(OPEN):
            return self._get_response(request)
        return _to_sign_in(request, ending)

    def _followed(self, request: HttpRequest, before: str | None) -> HttpResponse:
        response = self._get_response(request)
        key = request.session.session_key
        if key is None or SESSION_KEY not in request.session:
            return response
        if key != before:
            sittings.track(request, cast("User", request.user), before=before)
        elif not sittings.is_noted(request.session) and not _is_poll(request):
            sittings.note_use(key)
        return response


def _ending(request: HttpRequest) -> Ending | None:
    """Return why the session that the browser names is over, if it is."""
    if SESSION_KEY in request.session:
        return sittings.ending(request.session)
    # Asked for what it holds, Django has forgotten the key of a session that there is not.
    return Ending.GONE if request.session.session_key is None else None


def _end(request: HttpRequest, ending: Ending) -> None:
    person = User.objects.filter(pk=request.session.get(SESSION_KEY) or 0).first()
    key = request.session.session_key
    request.session.flush()
    if person is None or key is None:
        return
    with transaction.atomic():
        # Of two requests at once, one finds it there.
        if sittings.forget(key):
            ledger.append(ledger.person_chain(person), "person.signed_out", actor=person, because=str(ending))


def _to_sign_in(request: HttpRequest, ending: Ending) -> HttpResponse:
    """Lead to the sign-in page and from there back; htmx, which would put that page into its target, leaves the page."""
    is_htmx = request.headers.get("HX-Request") == "true"
    going_to = (
        f"{resolve_url('account_login')}?{urlencode({'next': _page(request, is_htmx), 'ended': ending})}"
    )
    if not is_htmx:
        return HttpResponseRedirect(going_to)
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = going_to
    return answer


def _page(request: HttpRequest, is_htmx: bool) -> str:
    """Return the page that the person has before them: an act's own address is none to come back to."""
    if request.method in {"GET", "HEAD"} and not is_htmx:
        return request.get_full_path()
    page = request.headers.get("HX-Current-URL" if is_htmx else "Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return resolve_url("queue")
    parts = urlsplit(page)
    return parts._replace(scheme="", netloc="", fragment="").geturl() or resolve_url("queue")


def _is_poll(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name in POLLS
