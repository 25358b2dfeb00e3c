"""A page as PDF, by WeasyPrint, which needs libraries of the system: where these are missing there is none."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from django.contrib.staticfiles import finders

# Laying out costs the square of a word's length, and a picture in base64 is one word: longer ones may break so often.
LONGEST_WORD = 80
_TAG_OR_WORD = re.compile(r"<[^>]*>|(?:[^\s<>&]|&[#\w]+;)+")
_LETTERS = re.compile(rf"(?:[^&]|&[#\w]+;){{1,{LONGEST_WORD}}}")


class Unavailable(Exception):
    """This machine cannot make a PDF."""


def write(html: str, *stylesheets: str) -> bytes:
    """Return a page as PDF, laid out by these style sheets of ours. It fetches nothing, from nowhere."""
    weasyprint, fetcher = _tools()
    styles = [weasyprint.CSS(string=_text(name), url_fetcher=fetcher) for name in stylesheets]
    found: bytes = weasyprint.HTML(string=breakable(html), url_fetcher=fetcher).write_pdf(stylesheets=styles)
    return found


def breakable(html: str) -> str:
    """Return a page whose long words may be broken; it shows the same."""
    return _TAG_OR_WORD.sub(lambda found: _broken(found[0]), html)


def _broken(text: str) -> str:
    if text.startswith("<") or len(text) <= LONGEST_WORD:
        return text
    return "<wbr>".join(_LETTERS.findall(text))


def _tools() -> tuple[Any, Any]:
    """Return the library, imported when it is first wanted, and a fetcher that refuses every address."""
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as missing:
        raise Unavailable from missing

    class Refusing(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: object = None) -> NoReturn:
            raise ValueError("A record fetches nothing.")

    return weasyprint, Refusing()


@lru_cache
def _text(name: str) -> str:
    path = finders.find(name)
    assert isinstance(path, str), f"{name} is no static file."  # noqa: S101
    return Path(path).read_text(encoding="utf-8")
