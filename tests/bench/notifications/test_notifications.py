"""The bench of sending runs; how fast that is is told by the bench alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import postgres
from tests.server import ROOT


@pytest.mark.own_database
@pytest.mark.skipif(postgres.find_programs() is None, reason=postgres.MISSING)
def test_it_fills_an_outbox_and_sends_it_beside_a_bare_client() -> None:
    sizes = ["--rounds", "1", "--messages", "60", "--warm-up", "20", "--backlog", "200"]
    command = [sys.executable, "-m", "tests.bench.notifications", *sizes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "\nround 1: worker " in done.stdout
    assert "\n  backlog 100 %: " in done.stdout
    assert "Every one of 280 messages is recorded as sent, by one try each." in done.stdout
    assert "\nPromised\n" in done.stdout
