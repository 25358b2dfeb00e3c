"""Text from the wire for the screen: shortened where it is long, and with nothing invisible in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from kyc.admin import names
from kyc.languages import whole as whole_number

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_SHOWN = 100_000
LONGEST_IN_LIST = 80

# Control characters, and those that turn or hide the text beside them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def visible(text: str) -> str:
    """Return the text with each character that would not show as its escape."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def clip(text: str, longest: int = LONGEST_IN_LIST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def block(text: str) -> SafeString | str:
    """Return the text as it was sent, in a box that scrolls; what is cut off is counted."""
    if not text:
        return "–"
    shown = format_html('<pre class="raw" tabindex="0">{}</pre>', visible(text[:LONGEST_SHOWN]))
    if len(text) <= LONGEST_SHOWN:
        return shown
    words = gettext("The first %(shown)s of %(total)s characters.")
    counts = {"shown": whole_number(LONGEST_SHOWN), "total": whole_number(len(text))}
    return shown + format_html('<p class="help">{}</p>', words % counts)


def table(rows: Iterable[tuple[str, str]], *heads: str) -> SafeString | str:
    """Return a small table of two columns, or a dash where there is nothing to put in it."""
    body = format_html_join(
        "", "<tr><td>{}</td><td>{}</td></tr>", ((visible(one), visible(other)) for one, other in rows)
    )
    if not body:
        return "–"
    head = format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads))
    return format_html('<table class="facts"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


def pairs(mapping: object) -> list[tuple[str, str]]:
    return (
        [(str(name), str(value)) for name, value in mapping.items()] if isinstance(mapping, Mapping) else []
    )


def short(field: str, description: StrOrPromise = "") -> Callable[[Any], str]:
    """Return a list's column that shows the beginning of a field of any length."""

    @admin.display(description=description or names.of_field(field), empty_value="–")
    def show(row: Any) -> str:
        return clip(visible(getattr(row, field)))

    show.__name__ = field
    return show


def column(field: str, description: StrOrPromise, *, empty_value: str | None = "–") -> Callable[[Any], Any]:
    """Return a list's column under another name than the field's own."""

    @admin.display(description=description, empty_value=empty_value)
    def show(row: Any) -> Any:
        return getattr(row, field)

    show.__name__ = field
    return show


def short_id(field: str, description: StrOrPromise) -> Callable[[Any], SafeString | str]:
    """Return a list's column that shows a UUID's two ends: many begin alike."""

    @admin.display(description=description, empty_value="–")
    def show(row: Any) -> SafeString | str:
        value = str(getattr(row, field) or "")
        return format_html('<span title="{}">{}…{}</span>', value, value[:8], value[-4:]) if value else "–"

    show.__name__ = field
    return show


@cache
def whole(field: str, description: StrOrPromise = "") -> Any:
    """Return a page's read-only field that shows text of any length."""

    @admin.display(description=description or names.of_field(field))
    def show(row: Any) -> SafeString | str:
        return block(getattr(row, field))

    show.__name__ = f"{field}_shown"
    return show


def link(field: str, description: StrOrPromise = "") -> Any:
    """Return a page's read-only field that leads to another row's page without fetching that row."""

    @admin.display(description=description or names.of_field(field))
    def show(row: Any) -> SafeString | str:
        key, target = getattr(row, f"{field}_id"), row._meta.get_field(field).related_model._meta
        if key is None:
            return "–"
        address = reverse(f"admin:{target.app_label}_{target.model_name}_change", args=[key])
        return format_html('<a href="{}">{}</a>', address, key)

    show.__name__ = f"{field}_link"
    return show
