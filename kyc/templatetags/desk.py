"""Tags and filters for the desk's templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from kyc import figures
from kyc.languages import decimal, months, per_language

register = template.Library()

# The types whose looks and names the desk knows; others are shown as sent, with the plain icon.
CHECK_ICONS = {
    "document-verification": "doc",
    "face-match": "face",
    "face-matching": "face",
    "manual_review": "eyes",
    "ManualReview": "eyes",
}
ROLES = {
    "officer": gettext_lazy("officer"),
    "supervisor": gettext_lazy("supervisor"),
    "auditor": gettext_lazy("auditor"),
    "admin": gettext_lazy("admin"),
}
SHAPES = {
    "exact": "{at.day} {month} {at.year}, {at:%H:%M:%S} {zone}",
    "full": "{at.day} {month} {at.year}, {at:%H:%M} {zone}",
    "brief": "{at.day} {month}, {at:%H:%M} {zone}",
    "time": "{at:%H:%M} {zone}",
    "second": "{at.day} {month}, {at:%H:%M:%S}",
    "short": "{at.day} {month}, {at:%H:%M}",
    "clock": "{at:%H:%M}",
}


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, small: bool = False) -> SafeString:
    """Draw an icon of the sprite; it is decoration, the words beside it speak."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="#i-{}"/></svg>', " icon--s" if small else "", name
    )


@register.simple_tag(takes_context=True)
def nav_current(context: RequestContext, *url_names: str) -> SafeString | str:
    """Mark the navigation's link to the page that is open."""
    match = context["request"].resolver_match if "request" in context else None
    return SafeString(' aria-current="page"') if match and match.url_name in url_names else ""


@register.filter
def capped(number: int) -> str:
    """Write a count; one beyond the cap reads "1,000+"."""
    # Plus nought: a count that is asked for when shown cannot be formatted itself.
    return figures.capped(number + 0)


@register.filter
def initials(username: str) -> str:
    """Return up to two letters for an avatar: those of officer.a are `oa`."""
    return "".join(part[0] for part in username.split(".") if part)[:2]


@register.filter
def role_name(role: str) -> str:
    """Return what a role is called in the reader's language."""
    return str(ROLES.get(role, role))


@register.filter
def uuid_head(value: UUID | str) -> str:
    return str(value)[:8]


@register.filter
def check_name(check_type: str) -> str:
    return _check_names().get(check_type, check_type)


@per_language
def _check_names() -> dict[str, str]:
    review = gettext("Manual review")
    return {
        "document-verification": gettext("Document verification"),
        "face-match": gettext("Face match"),
        "face-matching": gettext("Face matching"),
        "manual_review": review,
        "ManualReview": review,
    }


@register.filter
def check_icon(check_type: str) -> str:
    return CHECK_ICONS.get(check_type, "layers")


@register.filter
def duration(span: timedelta) -> str:
    """Write a span as officers say it: 3d 4h, 6h 12m, 24m."""
    return figures.span(span)


@register.filter
def waited(since: datetime) -> str:
    """Write how long ago something was."""
    return duration(timezone.now() - since)


def sla(due_at: datetime) -> dict[str, Any]:
    """Return how a due time stands: `tone` (over, soon, ok), `left` (a span), `percent` of the target that is used."""
    left = due_at - timezone.now()
    if left < timedelta():
        return {"tone": "over", "left": -left, "percent": 100}
    percent = 100 - round(100 * min(left / settings.KYC_REVIEW_SLA, 1))
    return {"tone": "soon" if left <= settings.KYC_DUE_SOON else "ok", "left": left, "percent": percent}


@register.simple_tag
def moment(at: datetime, shape: str = "full") -> SafeString:
    """Write an instant in the desk's zone. `exact`, `full`, `brief` and `time` name the zone; `second`, `short` and `clock` stand under a head that does."""
    local = _local(at)
    zone = escape(local.tzname() or "")
    text = SHAPES[shape].format(at=local, month=months()[local.month], zone=zone)
    # No format_html: a page has hundreds, and there is nothing else in them to escape.
    return SafeString(
        f'<time datetime="{at.isoformat()}" title="{local:%Y-%m-%d %H:%M:%S} {zone}">{text}</time>'
    )


@register.filter
def brief(at: datetime) -> str:
    """Write an instant as plain text with its zone, for where no element can stand."""
    local = _local(at)
    return f"{local.day} {months()[local.month]}, {local:%H:%M} {local.tzname()}"


@register.simple_tag
def lag(event_at: datetime, received_at: datetime) -> str:
    """Write how long an event took to come: "0.4 s earlier", "2h earlier"; empty where the clocks disagree."""
    length = received_at - event_at
    if length < timedelta():
        return ""
    is_short = length < timedelta(minutes=1)
    span = gettext("%(n)s s") % {"n": decimal(length.total_seconds())} if is_short else duration(length)
    return gettext("%(span)s earlier") % {"span": span}


def _local(at: datetime) -> datetime:
    try:
        return timezone.localtime(at)
    except OverflowError:
        # The first and the last hours of the calendar do not exist in every zone.
        return at.astimezone(UTC)
