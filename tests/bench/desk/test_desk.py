"""The bench of the desk's pages runs; how fast they are is told by the bench alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import postgres
from tests.server import ROOT


@pytest.mark.own_database
@pytest.mark.skipif(postgres.find_programs() is None, reason=postgres.MISSING)
def test_it_fills_two_databases_and_measures_every_page() -> None:
    command = [sys.executable, "-m", "tests.bench.desk", "--sessions", "300", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    # 1 when a figure of the one round is beyond its bound.
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    assert "300 sessions, 120 in REVIEW" in done.stdout
    for name in ("queue, due first", "queue, due first, page 1,000", "session, disputed", "claim next"):
        assert f"\n{name} " in done.stdout
    assert "\nPromised\n" in done.stdout
