"""The demo as a stranger starts it: a real process in a copy of the project, with nothing set."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from tests import logged
from tests.engines import OUR_VARIABLES
from tests.postgres import free_port

pytestmark = pytest.mark.own_database

LEFT_OUT = shutil.ignore_patterns(".*", "*.sqlite3*", "__pycache__", "staticfiles", "tests")
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
PEOPLE = ("officer.a", "officer.b", "supervisor", "auditor", "admin")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A space and a plus sign: the path becomes part of two URLs.
    folder = tmp_path_factory.mktemp("demo") / "a checkout+"
    shutil.copytree(settings.BASE_DIR, folder, ignore=LEFT_OUT)
    return folder


@pytest.fixture
def fresh(checkout: Path) -> Path:
    shutil.rmtree(checkout / ".demo", ignore_errors=True)
    return checkout


class Demo:
    """A running demo and what it has printed."""

    def __init__(self, checkout: Path, *arguments: str, **environment: str) -> None:
        self.output = checkout.parent / f"{uuid4()}.txt"
        self.database = checkout / ".demo" / "demo.sqlite3"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(OUR_VARIABLES) and k not in SCREENS
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", f"--port={self.port}", *arguments],
                cwd=checkout,
                env=inherited | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 150
        while text not in self.said:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=60)

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)

    def family(self) -> dict[int, str]:
        """Return the processes below the demo's own, by their id."""
        parents = {self.process.pid}
        found: dict[int, str] = {}
        for pid, parent, _, command in sorted(_processes()):
            if parent in parents:
                parents.add(pid)
                found[pid] = command
        return found

    def passwords(self) -> dict[str, str]:
        return dict(re.findall(r"^  (\S+) +\w+ +(\w{4}-\w{4}-\w{4})$", self.said, re.MULTILINE))

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(number)


@pytest.fixture
def demo(fresh: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start(*arguments: str, **environment: str) -> Demo:
        started.append(Demo(fresh, *arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)
    for log in (fresh / ".demo").glob("*.log"):
        logged.keep(log.read_text(errors="replace"))


def _processes() -> list[tuple[int, int, str, str]]:
    """Return every process: its id, its parent's, its state and its command line."""
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-A", "-o", "pid=,ppid=,stat=,command="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [line.split(maxsplit=3) for line in listed.splitlines()]
        return [(int(pid), int(parent), state, " ".join(rest)) for pid, parent, state, *rest in rows]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name in brackets may hold anything, spaces too.
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command_line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            found.append((int(folder.name), int(parent), state, command_line))
    return found


def alive(family: dict[int, str]) -> list[str]:
    """Return the commands of those still running after some seconds."""
    deadline = time.monotonic() + 60
    while True:
        running = {pid for pid, _, state, _ in _processes() if not state.startswith("Z")} & set(family)
        if not running or time.monotonic() > deadline:
            return [family[pid] for pid in running]
        time.sleep(0.2)


def sign_in(demo: Demo, name: str) -> httpx.Response:
    with httpx.Client(base_url=demo.url, trust_env=False, timeout=60) as browser:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', browser.get("/account/login/").text)
        assert token
        form = {"login": name, "password": demo.passwords()[name], "csrfmiddlewaretoken": token[1]}
        return browser.post("/account/login/", data=form)


def test_it_serves_ends_with_ctrl_c_goes_on_and_starts_anew(demo: Callable[..., Demo]) -> None:
    first = demo("--sessions=12", "--rate=5")
    first.wait_for("Ralio posts a new event")
    assert first.ask("/health/ready").status_code == 200
    assert set(first.passwords()) == set(PEOPLE)
    answer = sign_in(first, "officer.a")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/queue/")
    assert first.count("kyc_session") >= 8
    family = first.family()
    assert {"granian", "worker"} <= set(" ".join(family.values()).split())
    assert first.end() == 0 and alive(family) == []

    kept = first.count("kyc_session")
    second = demo("--sessions=12", "--rate=0")
    second.wait_for("KYC Desk runs")
    assert all(second.passwords()[name] != first.passwords()[name] for name in PEOPLE)
    another = demo("--reset")
    assert another.process.wait(120) == 1 and "running already" in another.said
    assert second.end(signal.SIGTERM) == 0
    assert second.count("kyc_session") == kept and "what happened since" not in second.said

    third = demo("--sessions=0", "--rate=0", "--reset")
    third.wait_for("KYC Desk runs")
    assert (third.count("kyc_session"), third.count("kyc_user")) == (0, len(PEOPLE))
    family = third.family()
    os.kill(next(pid for pid, command in family.items() if "granian" in command), signal.SIGKILL)
    assert third.process.wait(120) == 1 and "The server ended by itself" in third.said
    assert alive(family) == []


def test_killing_it_leaves_nothing_behind(demo: Callable[..., Demo]) -> None:
    running = demo("--sessions=0", "--rate=0")
    running.wait_for("KYC Desk runs")
    family = running.family()
    running.end(signal.SIGKILL)
    assert len(family) >= 3 and alive(family) == []
