"""Where this desk's own addresses ask for something other than Django's default."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from uuid import uuid4

from allauth.core.internal.httpkit import clean_client_ip
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.template.response import SimpleTemplateResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from kyc import origins, tracing
from kyc.origins import Origin
from kyc.webhooks import RalioWebhook


class OriginMiddleware:
    """Give each request an id of its own, which the answer names too, and note the address that it came from.

    Behind a proxy that is the address which the proxy saw, the last one in its header.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = Origin(uuid4().hex, _address(request))
        with origins.of(origin), tracing.about():
            response = self._get_response(request)
        response["X-Request-ID"] = origin.request_id
        return response


def _address(request: HttpRequest) -> str:
    found: str = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        found = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2] or found
    try:
        return str(ip_address(found.strip()))
    except ValueError:
        # Some proxies name the client's port, too.
        return clean_client_ip(found) or ""


class WebhookMiddleware:
    """Hand Ralio's requests to their view at once: what the other middleware does is for people's browsers.

    A signed request of a machine has no cookie, no language and no frame; its https redirect would lose the event.
    """

    addresses = frozenset({"/webhooks/ralio", "/webhooks/ralio/"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._view = RalioWebhook.as_view()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in self.addresses:
            return self._get_response(request)
        response = self._view(request)
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        return response


class HostCheckMiddleware(CommonMiddleware):
    """Django's own, but for health probes: a Host header with the machine's address is none of ours to refuse."""

    machines = "/health/"

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.path_info.startswith(self.machines):
            return None
        return super().process_request(request)


class ActorMiddleware:
    """Let the log say who is at work, where a page has asked for it already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        actor = getattr(getattr(request, "_cached_user", None), "pk", None)
        if actor is not None:
            tracing.note(actor=actor)
        return self._get_response(request)


class LanguageMiddleware:
    """Speak the language that the signed-in person chose; to anybody else the browser's, by its cookie or its wish.

    Only while the page is made: what else the thread does, such as answering Ralio, goes on in the desk's own.
    """

    machines = "/health/"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(self.machines):
            return self._get_response(request)
        chosen = getattr(request.user, "language", "")
        language = chosen or translation.get_language_from_request(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self._get_response(request)
        if not chosen:
            patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", language)
        return response
