"""What somebody asked for while they must first say again who they are: it waits in their sign-in, and goes on after.

A form waits with what was typed, encrypted, under a name of its own, so that what two windows ask for stays apart.
What was typed as a password never waits, nor does a file: then the page that asked is shown again.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from secrets import token_urlsafe
from typing import Self
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.urls import resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_htmx.middleware import HtmxDetails

from kyc.desk import ciphers

KEY = "desk_waiting"
NAME = "w"
MOST = 5
SECONDS = 15 * 60
# No form of the desk's comes near it, and the sign-in keeps what waits.
LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request: its address, its form if it had one, the page that it came from, and when."""

    path: str
    form: str | None
    page: str
    is_download: bool
    at: float

    @classmethod
    def of(cls, request: HttpRequest, *, is_download: bool) -> Self:
        page, path = _page(request), request.get_full_path()
        found = cls(path, None, page, is_download, time.time())
        if request.method == "POST":
            form = request.POST.urlencode()
            if request.FILES or any("password" in name for name in request.POST) or len(form) > LONGEST:
                return replace(found, path=page, is_download=False)
            return replace(found, form=form)
        # A part of a page is nothing to be sent on to.
        return replace(found, path=page, is_download=False) if _htmx(request) else found

    @property
    def action(self) -> str:
        """Return where a form that goes on is sent: what has no form of its own has its query as fields."""
        return self.path if self.form is not None else urlsplit(self.path).path

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Return the fields of a form that goes on, but for the token: the page has its own."""
        values = QueryDict(urlsplit(self.path).query if self.form is None else self.form)
        return [(name, text) for name, texts in values.lists() for text in texts if name != _TOKEN]


_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the field's name


def suspend(request: HttpRequest, *, is_download: bool) -> HttpResponse:
    """Keep a request and send the person to where they say who they are; htmx is told to leave the page."""
    address = f"{reverse('confirm')}?{urlencode({NAME: _keep(request, is_download=is_download)})}"
    if not _htmx(request):
        return HttpResponseRedirect(address)
    answer = HttpResponse(status=401)
    answer["HX-Redirect"] = address
    return answer


def waiting(request: HttpRequest, name: str) -> Waiting | None:
    """Return what waits under a name, unless it has waited too long."""
    try:
        found = Waiting(**json.loads(ciphers.decrypt(request.session.get(KEY, {})[name])))
    except (KeyError, ciphers.Unreadable):
        return None
    return found if found.at >= time.time() - SECONDS else None


def drop(request: HttpRequest, name: str) -> None:
    kept = request.session.get(KEY, {})
    if kept.pop(name, None):
        request.session[KEY] = kept


def go_on(request: HttpRequest, wanted: Waiting) -> HttpResponseBase:
    """Answer as if the form that waited came now, and came without script, whoever sent it."""
    if wanted.form is None:
        return HttpResponseRedirect(wanted.path)
    parts = urlsplit(wanted.path)
    request.GET = QueryDict(parts.query)
    request.POST = QueryDict(wanted.form)
    request.path = request.path_info = parts.path
    request.META |= {"PATH_INFO": parts.path, "QUERY_STRING": parts.query}
    request.resolver_match = found = resolve(parts.path)
    answer: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    return answer


def _keep(request: HttpRequest, *, is_download: bool) -> str:
    name = token_urlsafe(9)
    sealed = ciphers.encrypt(json.dumps(asdict(Waiting.of(request, is_download=is_download))))
    kept = {**request.session.get(KEY, {}), name: sealed}
    request.session[KEY] = dict(list(kept.items())[-MOST:])
    return name


def _page(request: HttpRequest) -> str:
    """Return the path of the page that a request came from; the queue's where that is none of ours."""
    came_from = request.META.get("HTTP_HX_CURRENT_URL") or request.META.get("HTTP_REFERER", "")
    hosts = {request.get_host()}
    if not url_has_allowed_host_and_scheme(came_from, hosts, require_https=request.is_secure()):
        return resolve_url("queue")
    parts = urlsplit(came_from)
    # Twice a slash at its beginning would make it an address of somewhere else.
    return f"/{parts.path.lstrip('/')}{f'?{parts.query}' if parts.query else ''}"


def _htmx(request: HttpRequest) -> bool:
    details = getattr(request, "htmx", None)
    return isinstance(details, HtmxDetails) and bool(details)
