"""The Spanish catalogue is whole: it has what the desk says now, each text translated, and the compiled one agrees."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.conf import settings

from tests import po

pytestmark = pytest.mark.own_database

CATALOGUE = settings.BASE_DIR / "config/locale/es/LC_MESSAGES/django.po"
SOURCES = ("config", "kyc", "notifications", "templates")
NAMED = re.compile(r"%\(\w+\)|\{\w+\}|%(?=[ds])")
TAG = re.compile(r"</?\w+")


@pytest.fixture(scope="module")
def entries() -> list[po.Entry]:
    return po.read(CATALOGUE)


def test_the_catalogue_has_what_the_desk_says_now(entries: list[po.Entry], tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        assert os.environ.get("CI") != "true", "CI needs GNU gettext: apt-get install gettext"
        pytest.skip("xgettext is missing: apt-get install gettext")
    for name in SOURCES:
        ignored = shutil.ignore_patterns("locale", "__pycache__", "static")
        shutil.copytree(settings.BASE_DIR / name, tmp_path / name, ignore=ignored)
    (tmp_path / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale=es", "--no-wrap", "--verbosity=0"]
    # Without the settings, for what is read is the copy.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)

    said = {entry.key for entry in po.read(tmp_path / "locale/es/LC_MESSAGES/django.po")}
    known = {entry.key for entry in entries}
    assert said - known == set(), "These are not in the catalogue: run makemessages and translate them."
    assert known - said == set(), "Nobody says these any more: run makemessages --no-obsolete."


def test_every_text_is_translated(entries: list[po.Entry]) -> None:
    assert [entry.id for entry in entries if not all(entry.strings) or "fuzzy" in entry.flags] == []
    assert [entry.id for entry in entries if len(entry.strings) != (2 if entry.plural else 1)] == []


def test_translations_have_the_same_placeholders_and_tags(entries: list[po.Entry]) -> None:
    wrong = []
    for entry in entries:
        shapes = [shape(text) for text in (entry.id, entry.plural) if text]
        wrong += [text for text in entry.strings if shape(text) not in shapes]
    assert wrong == []


def shape(text: str) -> tuple[set[str], Counter[str], bool, bool]:
    """Return what a translation has in common with its text: names, tags, line breaks at its ends."""
    names = set(NAMED.findall(text))
    return names, Counter(TAG.findall(text)), text.startswith("\n"), text.endswith("\n")


def test_the_compiled_catalogue_says_the_same(entries: list[po.Entry]) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = dict(GNUTranslations(file)._catalog)
    compiled.pop("")
    wanted: dict[object, str] = {}
    for entry in entries:
        id_ = f"{entry.context}\x04{entry.id}" if entry.context else entry.id
        forms = {(id_, n): text for n, text in enumerate(entry.strings)} if entry.plural else {}
        wanted |= forms or {id_: entry.strings[0]}
    assert compiled == wanted, "Run compilemessages."
