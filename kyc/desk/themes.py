"""Light or dark, chosen without script: a cookie that the page's root element repeats."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from kyc.desk.context import THEME_COOKIE, THEMES

A_YEAR = 365 * 24 * 3600


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice and go back to where it was made."""
    answer = back(request)
    if (theme := request.POST.get("theme", "")) in THEMES:
        answer.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=A_YEAR,
            samesite="Strict",
            secure=settings.CSRF_COOKIE_SECURE,
        )
    return answer


def back(request: HttpRequest) -> HttpResponse:
    """Return to the page that a form names as `next`, if it is one of ours."""
    page = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        page = resolve_url("queue")
    return HttpResponseRedirect(page)
