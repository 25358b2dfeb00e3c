"""No text lands that only speaks English: templates, scripts and modules are read for words outside translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.own_database

BASE = settings.BASE_DIR
TEMPLATES = sorted(path for path in (BASE / "templates").rglob("*") if path.suffix in {".html", ".txt"})
# Our own failure has a page that needs nothing, no translation either: it says everything in both languages.
BILINGUAL = BASE / "templates/500.html"
SCRIPTS = sorted((BASE / "templates/static/desk").glob("*.js"))
MODULES = sorted(path for app in ("config", "kyc", "notifications") for path in (BASE / app).rglob("*.py"))

TRANSLATED = re.compile(r"{%\s*(blocktrans\w*)\b.*?{%\s*end\1\s*%}", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}|{%\s*comment\b.*?{%\s*endcomment\s*%}|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
# Words that a tag hands on, such as label="session ID", and those that a filter falls back on.
HANDED_ON = re.compile(
    r"""\b(?:label|hint|title|text|words)=["'][^"']*[a-z]{2}|\|default\w*:["'][^"']*[a-z]{2}"""
)
SAID = ("alt", "aria-description", "aria-label", "placeholder", "title")
# Names, and words of the wire.
SAME_EVERYWHERE = re.compile(
    r"\b(?:KYC Desk|KYC|Ralio|REVIEW|REJECTED|VERIFIED|API|CSV|JSON|UUID|ID|UTC|UTF-8|SHA-256|sha256)\b|&\w+;"
)
CODE = {"code", "kbd", "pre", "script", "style"}
FUNCTIONS = {f"{n}{p}gettext{lazy}" for n in ("", "n") for p in ("", "p") for lazy in ("", "_lazy")} | {"_"}


class Words(HTMLParser):
    """Gathers the texts and spoken attributes of what is left of a template."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found += [value or "" for name, value in attrs if name in SAID]

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.found += [] if self.inside in CODE else [data]


def untranslated(source: str) -> list[str]:
    """Return the words of a template that are the same in every language, and should not be."""
    source = TRANSLATED.sub("", COMMENT.sub("", source))
    parser = Words()
    parser.feed(TAG.sub("", source))
    words = [text.strip() for text in parser.found if re.search("[A-Za-z]{2}", SAME_EVERYWHERE.sub("", text))]
    handed_on = [found[0] for tag in TAG.findall(source) for found in HANDED_ON.finditer(tag)]
    return words + handed_on + re.findall(r"\|pluralize[^|}]*", source)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(BASE)))
def test_a_template_speaks_every_language(file: Path) -> None:
    found = untranslated(file.read_text())

    assert bool(found) == (file == BILINGUAL), f"Put these into translate or blocktranslate: {found}"


def test_our_own_failure_is_told_in_both_languages() -> None:
    page = BILINGUAL.read_text()

    assert page.count('lang="es"') == 3 and "Algo ha fallado" in page and "Something failed" in page


@pytest.mark.parametrize(
    "source",
    [
        "<p>Nobody</p>",
        '<a title="Look">{{ x }}</a>',
        '{% include "x.html" with label="session ID" %}',
        '{{ name|default:"nobody" }}',
        "{{ n }}{{ n|pluralize }}",
        '{% if x %}{% translate "One" %}{% else %}Two{% endif %}',
    ],
)
def test_what_is_said_in_english_only_is_found(source: str) -> None:
    assert untranslated(source)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_has_no_words_of_its_own(file: Path) -> None:
    texts = re.findall(r"'([^'\n]*)'", re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL))

    assert [text for text in texts if re.search("[A-Z][a-z]+ [a-z]+|^ ?[a-z]+ [a-z]+ ", text)] == []


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(BASE)))
def test_gettext_is_asked_for_texts_that_makemessages_finds(file: Path) -> None:
    assert list(hidden(ast.parse(file.read_text()))) == []


def hidden(tree: ast.AST) -> Iterator[str]:
    """Yield calls whose text is put together, and calls within an f-string, which xgettext does not read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from (ast.unparse(each) for each in ast.walk(node) if is_translation(each))
        elif is_translation(node) and not all(map(is_found, texts_of(node))):
            yield ast.unparse(node)


def is_translation(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS


def is_found(text: ast.expr) -> bool:
    """Return True for a text as it stands, or a constant, which `gettext_noop` has shown."""
    return isinstance(text, ast.Constant) or (isinstance(text, ast.Name) and text.id.isupper())


def texts_of(call: ast.Call) -> list[ast.expr]:
    n_texts = 1 + call.func.id.startswith("n") + ("pgettext" in call.func.id)
    return call.args[:n_texts]
