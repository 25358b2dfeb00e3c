"""The command that plays Ralio against any address."""

from __future__ import annotations

import json
import re
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
from django.db.models import Sum
from django.test import override_settings
from django.utils import timezone

from kyc.choices import DeliveryStatus
from kyc.models import Delivery, RefusedRequest
from tests.postgres import free_port


def simulate(*arguments: str) -> dict[str, int]:
    """Run the command and return its tally."""
    output = StringIO()
    call_command(
        "simulate_ralio", "--rate=0", "--seed=4", "--tries=2", "--first-wait=0", *arguments, stdout=output
    )
    return tally(output.getvalue())


def tally(text: str) -> dict[str, int]:
    lines = re.findall(r"^ *([a-z0-9 ]+?) +([\d,]+)$", text, re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in lines}


@pytest.fixture
def url(live_server: Any) -> str:
    return f"{live_server.url}/webhooks/ralio"


def test_its_tally_is_what_the_database_holds(url: str) -> None:
    counted = simulate(
        f"--url={url}", "--count=60", "--duplicates=0.2", "--reordering=0.3", "--connections=3"
    )
    assert counted["sent"] == counted["accepted"] + counted["duplicates"] > 60
    assert Delivery.objects.count() == counted["accepted"] == 60
    assert Delivery.objects.aggregate(n=Sum("n_repeats"))["n"] == counted["duplicates"] > 0


def test_the_same_seed_again_brings_known_ids_with_another_content(url: str) -> None:
    arguments = (f"--url={url}", "--count=20", "--mix=money=1")
    simulate(*arguments)
    # The instants differ.
    assert simulate(*arguments)["quarantined"] == 20


def test_a_history_is_spread_over_its_weeks(url: str) -> None:
    assert 25 < simulate(f"--url={url}", "--count=40", "--history=2")["accepted"] < 60
    instants = list(Delivery.objects.order_by("event_at").values_list("event_at", flat=True))
    assert 7 < (timezone.now() - instants[0]).days <= 14
    assert (timezone.now() - instants[-1]).days == 0


def test_it_speaks_the_generations_asked_for(url: str) -> None:
    simulate(f"--url={url}", "--count=15", "--generations=g3", "--mix=verified=1,failed=1,review=1")
    bodies = [json.loads(bytes(body)) for body in Delivery.objects.values_list("body", flat=True)]
    assert len(bodies) == 15
    assert all("eventId" in body or "event_id" in body for body in bodies)


def test_a_wrong_secret_is_refused_and_ends_with_an_error(url: str) -> None:
    with pytest.raises(CommandError, match="3 events were never acknowledged"):
        simulate(f"--url={url}", "--count=3", "--secret=another one")
    assert RefusedRequest.objects.count() == 3
    assert not Delivery.objects.exclude(status=DeliveryStatus.APPLIED).exists()


def test_one_event_that_nobody_takes_is_an_error() -> None:
    with pytest.raises(CommandError, match="1 event was never acknowledged"):
        simulate("--url=http://127.0.0.1:1/", "--count=1")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--url=ftp://example.com/", "is not an http or https address"),
        ("--url=nonsense", "is not an http or https address"),
        ("--rate=-1", "is not a number of at least 0"),
        ("--rate=nan", "is not a number of at least 0"),
        ("--count=many", "is not a whole number"),
        ("--duplicates=2", "is not a share from 0 to 1"),
        ("--mix=rejected=1", "'rejected' is none of verified, failed"),
        ("--mix=failed=0", "the shares are all 0"),
        ("--generations=g4", "'g4' is none of g1, g2, g3"),
        ("--connections=0", "at least 1"),
        ("--history=2 --mix=failed=1", "--history has a mix of its own"),
        ("--history=2 --count=0", "needs a --count"),
    ],
)
def test_a_bad_option_is_named(argument: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        simulate(*argument.split())


def test_ctrl_c_prints_the_tally(tmp_path: Path) -> None:
    with socket.socket() as listener, (tmp_path / "out").open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(60)
        url = f"--url=http://127.0.0.1:{listener.getsockname()[1]}/"
        process = subprocess.Popen(
            [sys.executable, "manage.py", "simulate_ralio", url, "--count=0", "--rate=50", "--tries=1"],
            cwd=settings.BASE_DIR,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # Hang up on each event. When the third one comes, two have been given up.
        for _ in range(3):
            listener.accept()[0].close()
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 1
    said = (tmp_path / "out").read_text()
    assert "Stopped." in said and tally(said)["given up"] >= 2


def test_it_serves_the_api_of_what_it_played_and_of_what_it_withheld(url: str, tmp_path: Path) -> None:
    port = free_port()
    command = ["simulate_ralio", f"--url={url}", "--rate=0", "--count=40", "--seed=4", "--withhold=0.4"]
    with (tmp_path / "out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command, f"--serve-api={port}"],
            cwd=settings.BASE_DIR,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 120
        while "until Ctrl-C" not in (said := (tmp_path / "out").read_text()):
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.1)
        known = {name: value for name, _, value in (pair.partition("=") for pair in said.split()[:3])}
        out = StringIO()
        with override_settings(**known):
            with pytest.raises(CommandError, match="0 repaired"):
                call_command("reconcile", stdout=out, stderr=StringIO())
            call_command("reconcile", "--repair", stdout=StringIO(), stderr=StringIO())
            call_command("reconcile", stdout=out, stderr=StringIO())
        assert tally(said)["withheld"] > 5
        assert "0 differences" in out.getvalue()
        assert Delivery.objects.filter(source="api", session_state="REJECTED").exists()
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0


def test_an_api_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be served"):
            simulate("--count=1", f"--serve-api={port}")
