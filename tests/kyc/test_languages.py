"""Days, numbers and lengths of time as each language writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from kyc import figures, languages
from kyc.desk.filters import Age
from kyc.templatetags.desk import brief, lag, moment
from kyc.templatetags.session import clipped, day_title

DAY = date(2026, 5, 3)
AT = datetime(2026, 1, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("write", "english", "spanish"),
    [
        (lambda: languages.day_words(DAY), "3 May 2026", "3 may 2026"),
        (lambda: languages.whole_day_words(DAY), "3 May 2026", "3 de mayo de 2026"),
        (lambda: day_title(DAY), "3 May 2026", "3 de mayo de 2026"),
        (lambda: brief(AT), "4 Jan, 05:06 UTC", "4 ene, 05:06 UTC"),
        (
            lambda: moment(AT).partition(">")[2],
            "4 Jan 2026, 05:06 UTC</time>",
            "4 ene 2026, 05:06 UTC</time>",
        ),
        (lambda: lag(AT, AT + timedelta(milliseconds=440)), "0.4 s earlier", "0,4 s antes"),
        (lambda: languages.whole(999), "999", "999"),
        (lambda: languages.whole(12_345), "12,345", "12\xa0345"),
        (lambda: figures.capped(1_001), "1,000+", "1\xa0000+"),
        (lambda: figures.span(timedelta(days=3, hours=4)), "3d 4h", "3 d 4 h"),
        (lambda: figures.span(timedelta(hours=6, minutes=2)), "6h 02m", "6 h 02 min"),
        (lambda: figures.span(timedelta(seconds=3)), "under 1m", "menos de 1 min"),
        (lambda: Age(0, 1).label, "Under 1 hour", "Menos de 1 hora"),
        (lambda: Age(20, None).label, "Over 20 hours", "Más de 20 horas"),
        (lambda: clipped("x" * 2_001)[2_000:], "… and 1 more character", "… y 1 carácter más"),
    ],
)
def test_each_language_writes_its_own_way(write: Callable[[], str], english: str, spanish: str) -> None:
    for language, wanted in (("en-gb", english), ("es", spanish), ("en-gb", english)):
        with translation.override(language):
            assert write() == wanted
