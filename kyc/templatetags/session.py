"""Tags and filters of the session page and the history: text as it was sent, days by name, links to codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from kyc.desk import jsontree
from kyc.languages import whole, whole_day_words
from kyc.models import Correction
from kyc.templatetags.desk import moment

register = template.Library()

# Longer text is cut on the page; its delivery holds it whole.
LONGEST_TEXT = 2000
FIELD_NAMES = {
    "category": gettext_lazy("category"),
    "checked_at": gettext_lazy("time of the check"),
    "code": gettext_lazy("code"),
    "data": gettext_lazy("raw data"),
    "due_at": gettext_lazy("due time"),
    "entity_type": gettext_lazy("entity"),
    "message": gettext_lazy("message"),
    "provider": gettext_lazy("provider"),
    "related_party_id": gettext_lazy("related party ID"),
    "state": gettext_lazy("state"),
    "type": gettext_lazy("type"),
    "user_id": gettext_lazy("user ID"),
}


@register.simple_tag
def rejections_url(code: str, params: Mapping[str, str] | None = None) -> str:
    """Return where the history lists the sessions that were rejected with a code: at any time, or as `params` say."""
    params = {"days": "all"} if params is None else params
    return f"{reverse('history')}?{urlencode({'reason': code, **params})}"


@register.filter
def is_this_year(at: datetime) -> bool:
    return at.year == timezone.now().year


@register.filter
def json_line(text: str) -> str:
    """Write a JSON text on one line, its letters unescaped and its numbers as they are."""
    return jsontree.line(text)


@register.filter
def field_name(field: str) -> str:
    """Return a corrected field's name in the page's words."""
    return str(FIELD_NAMES.get(field, field))


@register.simple_tag
def corrected_value(correction: Correction, side: str) -> str:
    """Write a correction's `old` or `new` value: an instant as the page writes those, else its text."""
    # A string without its quotes.
    text = jsontree.line(getattr(correction, side), is_bare=True)
    if correction.field.endswith("_at") and text != "null":
        return moment(datetime.fromisoformat(text))
    return pgettext("value", "empty") if text in ("", "null") else clipped(text)


@register.filter
def clipped(text: str) -> str:
    """Cut a text that would fill the page, and say by how much."""
    if len(text) <= LONGEST_TEXT:
        return text
    more = len(text) - LONGEST_TEXT
    words = ngettext("… and %(n)s more character", "… and %(n)s more characters", more)
    return text[:LONGEST_TEXT] + words % {"n": whole(more)}


@register.filter
def thousands(number: int) -> str:
    return whole(number)


@register.filter
def day_title(day: date) -> str:
    """Write a day in words: Today, 17 March 2026."""
    words, today = {"day": whole_day_words(day)}, timezone.localdate()
    if day == today:
        return gettext("Today, %(day)s") % words
    return gettext("Yesterday, %(day)s") % words if day == today - timedelta(days=1) else words["day"]
