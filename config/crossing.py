"""Coming from another site: a link in a mail, or the identity provider's way back.

The session's cookie is strict, so a browser leaves it out of a request that another site began. One that comes without
it gets a page of one line, which asks for the same address again: that request is our own, and brings the cookie.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes


class CrossingMiddleware:
    """Answer the first step of a way across from another site; what follows from our page is no such step."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _crosses(request):
            return self._get_response(request)
        # One slash at the beginning: two would lead to whatever host is named behind them.
        here = escape_leading_slashes(request.get_full_path())
        response = render(request, "crossing.html", {"redirect_to": here})
        add_never_cache_headers(response)
        return response


def _crosses(request: HttpRequest) -> bool:
    """Return True for a page that another site led to, in a browser that may have kept a cookie back."""
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Site") == "cross-site"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
    )
