"""Every icon that a page names is drawn."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "templates"
NAMED = re.compile(r'{% icon "([\w-]+)"|_icon\("([\w-]+)"')


def test_no_icon_is_empty() -> None:
    drawn = set(re.findall(r'id="i-([\w-]+)"', (TEMPLATES / "desk/icons.html").read_text()))
    sources = [*TEMPLATES.rglob("*.html"), *(Path(settings.BASE_DIR) / "kyc/templatetags").glob("*.py")]
    named = {
        name for source in sources for pair in NAMED.findall(source.read_text()) for name in pair if name
    }

    assert named and named - drawn == set()
