"""The audit of the dependencies fails for a vulnerability, and not for a service that nobody can reach."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from tests.server import ROOT

pytestmark = pytest.mark.own_database

SOUND: dict[str, Any] = {"name": "sound", "version": "1.0", "vulns": []}
SKIPPED = {"name": "skipped", "skip_reason": "Dependency not found on PyPI and could not be audited"}
WEAK = {
    "name": "weak",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}],
}


@pytest.mark.parametrize(
    ("report", "said", "code", "words"),
    [
        ([SOUND], "", 0, "1 packages without a known vulnerability."),
        ([SOUND, WEAK], "", 1, "weak 2.0: PYSEC-1, CVE-2026-1; mended in 2.1"),
        ([SKIPPED, WEAK], "", 1, "weak 2.0: PYSEC-1, CVE-2026-1; mended in 2.1"),
        ([SOUND, SKIPPED], "", 0, "1 packages without a known vulnerability.\nNOT AUDITED: skipped."),
        (
            [SKIPPED],
            "",
            0,
            "NOT AUDITED: the service of advisories knows none of the packages, so it is not PyPI's.",
        ),
        (
            None,
            "requests.exceptions.ProxyError: …",
            0,
            "NOT AUDITED: the service of advisories cannot be reached.",
        ),
        (None, "unrecognized arguments", 1, "pip-audit failed:\nunrecognized arguments"),
    ],
)
def test_it_judges(report: list[Any] | None, said: str, code: int, words: str) -> None:
    judge = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["judge"]
    found, lines = judge(None if report is None else {"dependencies": report}, said)

    assert (found, "\n".join(lines)) == (code, words)
