"""Who may import whom: the layout in README, read from every module's imports and kept true."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("config", "kyc", "notifications")
MODELS = ("kyc.choices", "kyc.models", "kyc.querysets")
DOMAIN = ("kyc",)

# The most exact name counts. What a package's row allows its modules may import, and each other.
MAY_IMPORT = {
    "config": OURS,
    "kyc.admin": DOMAIN,
    "kyc.admin_site": DOMAIN,
    "kyc.alarms": (*MODELS, "kyc.figures", "kyc.inbox", "kyc.ledger", "kyc.signals"),
    "kyc.answering": (*MODELS, "kyc.ingestion", "kyc.ralio", "kyc.tracing"),
    "kyc.apps": DOMAIN,
    "kyc.bundles": ("kyc.ledger", "kyc.records", "kyc.verifier"),
    "kyc.calendars": (),
    "kyc.choices": (),
    "kyc.comparing": (*MODELS, "kyc.ledger", "kyc.ralio.simulator"),
    "kyc.deadlines": (*MODELS, "kyc.review", "kyc.signals"),
    "kyc.contacts": (*MODELS, "kyc.languages", "kyc.ledger", "kyc.review", "kyc.signals"),
    "kyc.desk": DOMAIN,
    "kyc.enquiries": (*MODELS, "kyc.ralio.events"),
    "kyc.erasing": (
        *MODELS,
        "kyc.folding",
        "kyc.ralio.redaction",
        "kyc.rebuilding",
        "kyc.signals",
        "kyc.subjects",
    ),
    "kyc.everyday": (),
    "kyc.exceptions": (),
    "kyc.fastpath": (*MODELS, "kyc.folding", "kyc.ledger", "kyc.projection", "kyc.ralio.events"),
    "kyc.figures": (*MODELS, "kyc.languages"),
    "kyc.folding": (*MODELS, "kyc.projection", "kyc.sla"),
    "kyc.holds": (*MODELS, "kyc.subjects"),
    "kyc.inbox": (*MODELS, "kyc.figures", "kyc.rhythm"),
    "kyc.ingestion": (
        *MODELS,
        "kyc.enquiries",
        "kyc.fastpath",
        "kyc.folding",
        "kyc.ledger",
        "kyc.projection",
        "kyc.ralio.answers",
        "kyc.ralio.events",
        "kyc.signals",
        "kyc.tracing",
    ),
    "kyc.invitations": (*MODELS, "kyc.ralio.bodies"),
    "kyc.languages": (),
    "kyc.ledger": (*MODELS, "kyc.origins", "kyc.records", "kyc.verifier"),
    "kyc.management": DOMAIN,
    "kyc.migrations": MODELS,
    "kyc.models": MODELS,
    "kyc.origins": (),
    "kyc.people": (*MODELS, "kyc.ledger"),
    "kyc.pictures": (*MODELS, "kyc.folding"),
    "kyc.privacy": (
        *MODELS,
        "kyc.erasing",
        "kyc.exceptions",
        "kyc.folding",
        "kyc.holds",
        "kyc.languages",
        "kyc.ledger",
        "kyc.review",
        "kyc.subjects",
    ),
    "kyc.projection": ("kyc.choices",),
    "kyc.querysets": ("kyc.choices",),
    "kyc.ralio": ("kyc.choices",),
    "kyc.rebuilding": (
        *MODELS,
        "kyc.folding",
        "kyc.ingestion",
        "kyc.ledger",
        "kyc.pictures",
        "kyc.ralio.answers",
        "kyc.ralio.events",
    ),
    "kyc.records": (*MODELS, "kyc.verifier"),
    "kyc.recomputing": (*MODELS, "kyc.folding", "kyc.ledger", "kyc.review"),
    "kyc.reconciling": (*MODELS, "kyc.ingestion", "kyc.ralio"),
    "kyc.refusals": (*MODELS, "kyc.ralio.events", "kyc.ralio.signature"),
    "kyc.replaying": (
        *MODELS,
        "kyc.exceptions",
        "kyc.ingestion",
        "kyc.ledger",
        "kyc.pictures",
        "kyc.ralio.signature",
        "kyc.tracing",
    ),
    "kyc.retention": (*MODELS, "kyc.erasing", "kyc.folding", "kyc.holds", "kyc.ledger", "kyc.subjects"),
    # A check's data is kept as JSON text, and a correction of it must read and write it as the wire does.
    "kyc.review": (
        *MODELS,
        "kyc.exceptions",
        "kyc.folding",
        "kyc.ledger",
        "kyc.projection",
        "kyc.ralio.jsontext",
        "kyc.signals",
        "kyc.tracing",
    ),
    "kyc.rhythm": MODELS,
    "kyc.sealing": (*MODELS, "kyc.everyday", "kyc.ledger", "kyc.records", "kyc.signals", "kyc.verifier"),
    "kyc.signals": (),
    "kyc.sittings": (*MODELS, "kyc.origins"),
    "kyc.sla": ("kyc.calendars", "kyc.projection"),
    "kyc.subject_files": (*MODELS, "kyc.ralio.bodies", "kyc.subjects"),
    "kyc.subjects": (*MODELS, "kyc.ralio"),
    "kyc.suspicions": (*MODELS, "kyc.folding", "kyc.review", "kyc.signals", "kyc.tracing"),
    "kyc.templatetags": DOMAIN,
    # It leaves the house with each bundle.
    "kyc.verifier": (),
    "kyc.tracing": (),
    "kyc.webhooks": (*MODELS, "kyc.ingestion", "kyc.ralio", "kyc.refusals"),
    # Who may do what is `kyc.review`'s to say.
    "notifications": (
        *MODELS,
        "kyc.everyday",
        "kyc.invitations",
        "kyc.languages",
        "kyc.ledger",
        "kyc.review",
        "kyc.signals",
        "kyc.tracing",
    ),
    "notifications.admin": (
        "notifications",
        *MODELS,
        "kyc.admin",
        "kyc.desk.masking",
        "kyc.desk.unmasking",
        "kyc.languages",
    ),
    "notifications.desk": ("notifications", *MODELS, "kyc.desk", "kyc.ledger"),
    "notifications.previews": ("notifications", *MODELS, "kyc.desk.masking"),
    "notifications.views": (
        "notifications",
        *MODELS,
        "kyc.desk.masking",
        "kyc.desk.unmasking",
        "kyc.ledger",
    ),
}
NEVER = {"kyc.desk": ("kyc.webhooks", "kyc.admin")}

HTTP_CLIENTS = ("aiohttp", "http.client", "httpx", "requests", "urllib.request", "urllib3")
# Each of these has a few homes and is imported nowhere else.
HOMES = {
    "rest_framework": ("kyc.api", "kyc.webhooks"),
    "django.contrib.admin": ("config.urls", "kyc.admin", "kyc.admin_site", "kyc.apps", "notifications.admin"),
    **dict.fromkeys(
        HTTP_CLIENTS,
        (
            "config.management",
            "kyc.management",
            "kyc.ralio.client",
            "kyc.ralio.simulator",
            "notifications.channels",
        ),
    ),
}
# A pure function needs no more than the standard library.
PURE = ("kyc.projection", "kyc.verifier")


def modules() -> Iterator[tuple[str, str]]:
    """Yield each of our modules' dotted names, with its source."""
    for app in OURS:
        for file in sorted((ROOT / app).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file.read_text()


def imports(source: str) -> Iterator[str]:
    """Yield what a module imports when it runs, in functions too; names for type checkers only do not count."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            waiting += ast.iter_child_nodes(node)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def row_of(module: str) -> str | None:
    return max((row for row in MAY_IMPORT if within(module, row)), key=len, default=None)


def breaches(module: str, source: str) -> list[str]:
    """Return what is wrong with a module's imports."""
    row = row_of(module)
    if row is None:
        # `kyc/__init__.py` is no layer: it imports nothing.
        return [f"{module} has no row in the table"] if list(imports(source)) else []
    return [
        f"{module} imports {name}"
        for name in imports(source)
        if (within(name, *OURS) and not within(name, row, *MAY_IMPORT[row]))
        or within(name, *NEVER.get(row, ()))
        or any(within(name, package) and not within(module, *homes) for package, homes in HOMES.items())
        or (module in PURE and not within(name, *OURS, *sys.stdlib_module_names))
    ]


@pytest.mark.parametrize(("module", "source"), [pytest.param(*found, id=found[0]) for found in modules()])
def test_a_module_imports_what_its_layer_may(module: str, source: str) -> None:
    assert breaches(module, source) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("kyc.ingestion", "import notifications"),
        ("kyc.ingestion", "from notifications.models import Notification"),
        ("kyc.ingestion", "from kyc import webhooks"),
        ("kyc.ralio.events", "from kyc.models import Session"),
        ("kyc.projection", "from kyc import models"),
        ("kyc.projection", "from django.utils import timezone"),
        ("kyc.desk.queue", "from kyc import admin"),
        ("kyc.desk.queue", "def view():\n    from kyc.webhooks import RalioWebhook"),
        ("kyc.desk.queue", "from rest_framework import views"),
        ("kyc.ralio.events", "import httpx"),
        ("kyc.ingestion", "from urllib.request import urlopen"),
        ("kyc.review", "from django.contrib import admin"),
        ("notifications.sending", "from kyc.desk import views"),
        ("notifications.sending", "import config.settings"),
        ("kyc.another", "import json"),
    ],
)
def test_a_breach_is_seen(module: str, line: str) -> None:
    assert breaches(module, line) != []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("kyc.ingestion", "from kyc import ledger"),
        ("kyc.ralio.client", "import httpx"),
        ("kyc.desk.queue", "from kyc.review import claim"),
        ("kyc.querysets", "if TYPE_CHECKING:\n    from kyc.models import Session"),
    ],
)
def test_what_is_allowed_passes(module: str, line: str) -> None:
    assert breaches(module, line) == []
