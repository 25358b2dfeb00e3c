"""What every page of the desk shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from kyc.models import Session

THEME_COOKIE = "desk_theme"
THEMES = frozenset({"light", "dark"})


def desk(request: HttpRequest) -> dict[str, object]:
    """Return the zone to name beside times, the chosen theme, the languages to choose from, and the queue's capped count, asked when shown."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "desk_time_zone": settings.TIME_ZONE,
        "desk_theme": theme if theme in THEMES else "",
        "desk_languages": settings.LANGUAGES,
        "desk_queue_count": Session.objects.in_review().capped_count,
    }
