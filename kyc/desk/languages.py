"""The language that the desk speaks to somebody: a person's own, kept with them; a visitor's, kept in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from kyc.choices import Language
from kyc.desk.themes import A_YEAR, back
from kyc.models import User


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice and go back to where it was made. It is a preference, like the theme: no record is made of it."""
    answer = back(request)
    if (language := request.POST.get("language", "")) in Language:
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=A_YEAR,
            samesite="Strict",
            secure=settings.CSRF_COOKIE_SECURE,
            httponly=True,
        )
    return answer
