"""The played Ralio's odd and forged posts against the desk, its journal, and the comparison with the database."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from kyc.models import Delivery, RefusedRequest
from kyc.ralio.simulator.journal import entries
from tests.kyc.test_simulate_ralio import simulate, tally
from tests.server import database_url, running_desk


@pytest.fixture
def url(live_server: Any) -> str:
    return f"{live_server.url}/webhooks/ralio"


def test_everything_odd_is_answered_as_promised_and_the_database_agrees(
    transactional_db: None, tmp_path: Path
) -> None:
    # Django's own server for tests takes no chunked bodies.
    secret = settings.RALIO_WEBHOOK_SECRETS[0]
    with running_desk(database_url(), RALIO_WEBHOOK_SECRETS=secret) as port:
        play_everything_odd(f"http://127.0.0.1:{port}/webhooks/ralio", tmp_path)


def play_everything_odd(url: str, tmp_path: Path) -> None:
    shares = ("--hostile=0.4", "--forged=0.2", "--old=0.1", "--late=0.1", "--duplicates=0.2")
    counted = simulate(
        f"--url={url}", "--count=250", "--connections=3", *shares, f"--journal={tmp_path}/j", "--compare"
    )
    assert counted["not as promised"] == counted["given up"] == counted["lost"] == counted["twice"] == 0
    assert counted["refused with 400"] > 20 and counted["refused with 401"] > 20
    assert counted["acknowledged"] == counted["stored"] > 50 and counted["event id conflicts"] > 3
    assert len(list(entries(tmp_path / "j"))) == counted["sent"]
    assert RefusedRequest.objects.count() == counted["refused with 401"] + counted.get("refused with 413", 0)


def test_a_journal_of_an_earlier_run_is_compared_alone(url: str, tmp_path: Path) -> None:
    simulate(f"--url={url}", "--count=5", f"--journal={tmp_path}/j")
    output = StringIO()
    call_command("simulate_ralio", "--compare-only", f"{tmp_path}/j", stdout=output)
    assert output.getvalue().endswith("Acknowledged 5, stored 5, applied once each, lost 0, twice 0.\n")


def test_an_acknowledged_event_that_is_missing_is_an_error(url: str, tmp_path: Path) -> None:
    simulate(f"--url={url}", "--count=3", "--mix=money=1", f"--journal={tmp_path}/j")
    Delivery.objects.first().delete()
    with pytest.raises(CommandError, match="does not hold what was acknowledged"):
        call_command("simulate_ralio", "--compare-only", f"{tmp_path}/j", stdout=StringIO())


def test_an_answer_that_was_not_promised_is_an_error_and_is_named(url: str) -> None:
    # The receiver takes what should be too large for it.
    output, arguments = StringIO(), ("--rate=0", "--seed=1", "--count=60", "--forged=1", "--limit=100000")
    with pytest.raises(CommandError, match="not as promised"):
        call_command("simulate_ralio", f"--url={url}", *arguments, stdout=output)
    assert "over the limit: promised too_large, answered 200" in output.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--compare-only /nowhere/j", "No such file"),
        ("--hostile=0.6 --forged=0.6", "together at most 1"),
        ("--history=2 --hostile=0.1", "not for --history"),
        ("--late=1.5", "is not a share from 0 to 1"),
    ],
)
def test_a_bad_option_is_named(db: None, arguments: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        simulate(*arguments.split())


def test_a_time_limit_ends_the_play(url: str) -> None:
    start = time.monotonic()
    counted = simulate(f"--url={url}", "--count=0", "--rate=20", "--for=0.5")
    assert 1 <= counted["accepted"] <= 11 and time.monotonic() - start < 60


def process(output: Path, *arguments: str, grace: float = 1.0) -> subprocess.Popen[bytes]:
    """Start the command, which gives the answers to what is on its way so many seconds when it is told to end."""
    code = f"from kyc.ralio.simulator import player; player.GRACE = {grace}; import manage; manage.main()"
    with output.open("wb") as file:
        command = [sys.executable, "-c", code, "simulate_ralio", "--rate=0", "--count=0", *arguments]
        return subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=file, stderr=subprocess.STDOUT)


def test_ctrl_c_ends_it_within_seconds_while_posts_wait_for_a_dead_receiver(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:
        dead.settimeout(60)
        url = f"--url=http://127.0.0.1:{dead.getsockname()[1]}/"
        player = process(tmp_path / "out", url, "--connections=3", f"--journal={tmp_path}/j")
        held = [dead.accept()[0] for _ in range(3)]
        start = time.monotonic()
        player.send_signal(signal.SIGINT)
        assert player.wait(120) == 1
        took = time.monotonic() - start
        for one in held:
            one.close()
    assert took < 45
    assert tally((tmp_path / "out").read_text())["given up"] == 3
    assert [entry.outcome for entry in entries(tmp_path / "j")] == ["given_up"] * 3


def test_sigterm_settles_what_was_begun(url: str, tmp_path: Path) -> None:
    player = process(tmp_path / "out", f"--url={url}", "--connections=2", "--late=0.5", grace=60)
    deadline = time.monotonic() + 120
    while not Delivery.objects.exists():
        assert player.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    player.terminate()
    assert player.wait(120) == 0
    counted = tally((tmp_path / "out").read_text())
    assert counted["sent"] == counted["accepted"] == Delivery.objects.count()
