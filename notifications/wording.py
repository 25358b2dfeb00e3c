"""Words from outside, and instants, as a message may hold them: bounded, on one line, and leading nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from unicodedata import category

from django.conf import settings
from django.utils.timezone import localtime
from django.utils.translation import gettext

from kyc.languages import day_words, whole_day_words

LONGEST_TEXT = 300
LONGEST_NAME = 100
# Control characters, those that show nothing or turn the direction, lone surrogates, and what breaks a line.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_IN_NAMES = frozenset(" -'’.,&()/+·ªº")
# Mail programs make a link of an address without its https:// too, and a call of a long number.
_LEADS_SOMEWHERE = re.compile(r"\w\w\.\w\w|//|\d{5}|\bwww\b", re.IGNORECASE)


def one_line(text: str, *, limit: int = LONGEST_TEXT) -> str:
    """Return text from outside as one short line: no control character, no line break, nothing that turns the direction."""
    # What can be printed, as most texts can throughout, holds none of these.
    is_seen = text.isprintable()
    seen = text if is_seen else "".join(" " if category(char) in _UNSEEN else char for char in text)
    line = " ".join(seen.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def plain_name(text: str) -> str:
    """Return a name from outside where it can be nothing else, or an empty text.

    Who is sent a mail of ours trusts what it says: a stranger who chooses a name must not speak in it, or link.
    """
    name = one_line(text, limit=LONGEST_NAME + 1)
    is_plain = len(name) <= LONGEST_NAME and all(map(_may_be_in_a_name, name))
    return name if is_plain and not _LEADS_SOMEWHERE.search(name) else ""


def instant(at: datetime | None) -> str:
    """Write an instant for the desk, with its zone: 17 Mar 2026, 09:30 Europe/Madrid."""
    return _with_zone(at, day_words, "%(day)s, %(time)s %(zone)s") if at else ""


def whole_instant(at: datetime | None) -> str:
    """Write an instant for a subject: 17 March 2026, 09:30 (Europe/Madrid)."""
    return _with_zone(at, whole_day_words, gettext("%(day)s, %(time)s (%(zone)s)")) if at else ""


def _with_zone(at: datetime, in_words: Callable[[date], str], shape: str) -> str:
    try:
        local, zone = localtime(at), settings.TIME_ZONE
    except OverflowError:
        # The last hours of the calendar do not exist in every zone.
        local, zone = at.astimezone(UTC), "UTC"
    return shape % {"day": in_words(local.date()), "time": f"{local:%H:%M}", "zone": zone}


def _may_be_in_a_name(char: str) -> bool:
    return char in _IN_NAMES or category(char)[0] in "LM" or char.isdecimal()
