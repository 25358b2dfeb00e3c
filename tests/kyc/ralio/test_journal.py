"""What a player writes down of its posts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from kyc.ralio.simulator import Journal, Ralio
from kyc.ralio.simulator.journal import Entry, entries
from kyc.ralio.simulator.promises import Outcome, Promise
from kyc.ralio.simulator.tally import Settled

NOW = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
EVENTS = [Ralio(1, mix={"related_party": 1}).next(NOW) for _ in range(3)]


def write(path: Path, *settled: Settled) -> None:
    with Journal(path) as journal:
        for one in settled:
            journal.write(one)


def test_a_line_tells_how_a_post_ended(tmp_path: Path) -> None:
    write(tmp_path / "j", Settled(EVENTS[0], Outcome.ACCEPTED, 200, (503, 502)))
    digest = sha256(EVENTS[0].body).hexdigest()
    expected = Entry(EVENTS[0].id, digest, Promise.TAKEN, Outcome.ACCEPTED, 200, (503, 502), "", True)
    assert list(entries(tmp_path / "j")) == [expected]


def test_each_line_is_in_the_file_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.write(Settled(EVENTS[0], Outcome.ACCEPTED, 200))
        assert len(list(entries(tmp_path / "j"))) == 1


def test_nothing_of_what_an_event_says_is_written_down(tmp_path: Path) -> None:
    write(tmp_path / "j", Settled(EVENTS[0], Outcome.ACCEPTED, 200))
    data, written = json.loads(EVENTS[0].body)["data"], (tmp_path / "j").read_text()
    said = [str(value) for part in data.values() for value in part.values() if len(str(value)) > 6]
    assert len(said) > 6 and not any(value in written for value in said)


def test_a_second_run_adds_to_the_file_and_removes_a_torn_line(tmp_path: Path) -> None:
    write(tmp_path / "j", Settled(EVENTS[0], Outcome.ACCEPTED, 200))
    with (tmp_path / "j").open("a") as file:
        file.write('{"event": "8d')
    assert [entry.event for entry in entries(tmp_path / "j")] == [EVENTS[0].id]
    write(tmp_path / "j", Settled(EVENTS[1], Outcome.REFUSED, 400))
    assert [entry.event for entry in entries(tmp_path / "j")] == [EVENTS[0].id, EVENTS[1].id]


@pytest.mark.parametrize("line", ["nonsense", "17", "{}", '{"event": "x"}'])
def test_another_file_is_no_journal(tmp_path: Path, line: str) -> None:
    (tmp_path / "j").write_text(line + "\n")
    with pytest.raises(ValueError, match="Line 1 of j is not a journal's"):
        list(entries(tmp_path / "j"))
