"""What the privacy pages say of erasures."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from kyc.choices import DataKind
from kyc.languages import whole
from kyc.models import Erasure

register = template.Library()


@register.filter
def overwritten(erasure: Erasure) -> list[tuple[str, str]]:
    """Return how much of each kind was overwritten, in words; kinds of which there was nothing are left out."""
    found = ((kind, erasure.erased.get(kind.value, 0)) for kind in DataKind)
    return [(str(kind.label), whole(n)) for kind, n in found if n]


@register.simple_tag
def erased(at: datetime | None) -> SafeString:
    """Say that what stood here was erased, and when; nothing where it was not."""
    if at is None:
        return mark_safe("")
    return mark_safe(render_to_string("desk/components/erased.html", {"at": at}).strip())  # noqa: S308 - a template of ours
