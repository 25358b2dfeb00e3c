"""How days and numbers are written in the reader's language, and what is made once for each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date

from django.utils.formats import get_format, number_format
from django.utils.translation import get_language, get_supported_language_variant, gettext, pgettext

_of_the_list: ContextVar[str | None] = ContextVar("the language of a list", default=None)


@contextmanager
def one_language() -> Iterator[None]:
    """Know the language while the block draws a list: to ask Django for it costs more than most of what is drawn.

    Nothing in the block may change it.
    """
    token = _of_the_list.set(get_language())
    try:
        yield
    finally:
        _of_the_list.reset(token)


def closest(written: str) -> str | None:
    """Return the language of ours that comes closest to one written in any way, "es_MX" or "ES"; None where none does."""
    try:
        return get_supported_language_variant(written.strip().replace("_", "-").lower())
    except LookupError:
        return None


def spoken() -> str | None:
    """Return the language that the reader is spoken to in."""
    return _of_the_list.get() or get_language()


def per_language[T](make: Callable[[], T]) -> Callable[[], T]:
    """Make words once for each language that they are asked for in, not once for each reader."""
    made: dict[str | None, T] = {}

    def said() -> T:
        language = spoken()
        if language not in made:
            made[language] = make()
        return made[language]

    return said


@per_language
def months() -> tuple[str, ...]:
    """Return the months' short names; the first one is number 1."""
    return (
        "",
        pgettext("short month", "Jan"),
        pgettext("short month", "Feb"),
        pgettext("short month", "Mar"),
        pgettext("short month", "Apr"),
        pgettext("short month", "May"),
        pgettext("short month", "Jun"),
        pgettext("short month", "Jul"),
        pgettext("short month", "Aug"),
        pgettext("short month", "Sep"),
        pgettext("short month", "Oct"),
        pgettext("short month", "Nov"),
        pgettext("short month", "Dec"),
    )


@per_language
def whole_months() -> tuple[str, ...]:
    """Return the months' names; the first one is number 1."""
    return (
        "",
        pgettext("month", "January"),
        pgettext("month", "February"),
        pgettext("month", "March"),
        pgettext("month", "April"),
        pgettext("month", "May"),
        pgettext("month", "June"),
        pgettext("month", "July"),
        pgettext("month", "August"),
        pgettext("month", "September"),
        pgettext("month", "October"),
        pgettext("month", "November"),
        pgettext("month", "December"),
    )


def day_words(day: date) -> str:
    """Write a day in short: 17 Mar 2026."""
    return f"{day.day} {months()[day.month]} {day.year}"


def whole_day_words(day: date) -> str:
    """Write a day in words: 17 March 2026."""
    return gettext("%(day)d %(month)s %(year)d") % {
        "day": day.day,
        "month": whole_months()[day.month],
        "year": day.year,
    }


def whole(number: int) -> str:
    """Write a whole number with its thousands apart: 12,345."""
    return str(number) if -1000 < number < 1000 else str(number_format(number, force_grouping=True))


def decimal(number: float) -> str:
    """Write a number to one decimal: 0.4."""
    return f"{number:.1f}".replace(".", str(get_format("DECIMAL_SEPARATOR")))
