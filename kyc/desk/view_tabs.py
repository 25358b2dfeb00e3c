"""A list's views as tabs, each with its capped count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Tab:
    view: str
    title: str
    count: int
    is_current: bool
    is_alarming: bool


def view_tabs(
    titles: Mapping[str, str | Promise], counts: Mapping[str, int], current: str, *, alarming: Collection[str]
) -> list[Tab]:
    """Return the views in the order of their titles; `alarming` are those whose rows wait for a person."""
    return [
        Tab(view, str(title), counts[view], view == current, view in alarming and counts[view] > 0)
        for view, title in titles.items()
    ]
