"""Filters for the admin's own pages."""

from __future__ import annotations

from django import template

from kyc.admin.text import clip, visible

register = template.Library()


@register.filter
def for_list(text: str) -> str:
    """Return the beginning of a text of any length, with nothing invisible in it."""
    return clip(visible(text[:1000]), 200)
