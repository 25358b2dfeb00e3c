"""The short forms of the scripts in this folder: some of each fault, and some rounds of each race."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import postgres
from tests.server import ROOT

pytestmark = pytest.mark.own_database


def run(*arguments: str) -> str:
    """Run a script to its end and return what it printed. Fails with that when the script finds something wrong."""
    if postgres.find_programs() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(postgres.MISSING)
        pytest.skip(postgres.MISSING)
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_nothing_is_lost_and_nothing_stands_twice_whatever_is_killed() -> None:
    said = run("tests.chaos", "--short")
    assert "applied once each, lost 0, twice 0." in said
    assert "the disk is full" in said or "SKIPPED: the disk is not filled" in said


def test_two_deliveries_of_the_same_instant_both_come_to_their_rows() -> None:
    said = run("tests.chaos.races", "--rounds", "80")
    assert "applied once each, lost 0, twice 0." in said


def test_officers_who_claim_at_once_each_have_another_session() -> None:
    said = run("tests.chaos.claims", "--officers", "24", "--processes", "2", "--seconds", "1")
    assert "deadlocks that PostgreSQL counted: 0" in said


def test_of_two_who_decide_at_once_one_is_told_that_the_session_changed() -> None:
    said = run("tests.chaos.decisions", "--rounds", "30")
    assert "deadlocks that PostgreSQL counted: 0" in said
