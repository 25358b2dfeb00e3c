"""dj-stripe's webhook endpoint as a project of its own: its own environment, the same PostgreSQL, the same granian."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.bench.ingest.servers import Database, Size, Web, granian

PROJECT = Path(__file__).with_name("peer_project")
SECRET = "whsec_bench"
ITS_WORK = (
    "dj-stripe does other work: it stores the request as a trigger and the event as one JSON document, no detail rows,\n"
    "no fold, no record of the act, in more than one commit; the desk's pool and granian's settings are given to it too."
)
# The same versions of what both stand on.
SHARED = ("django", "granian", "psycopg", "psycopg-binary", "psycopg-pool")


class NotInstalled(Exception):
    """dj-stripe could not be installed here; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The running endpoint: its server, and the path that takes events."""

    web: Web
    path: str


@contextlib.contextmanager
def dj_stripe(database: Database, size: Size) -> Iterator[Peer]:
    """Install dj-stripe in a temporary folder and serve its webhook endpoint. Raises NotInstalled without a network."""
    with tempfile.TemporaryDirectory(prefix="kyc-bench-peer-") as name:
        folder = Path(name)
        python = _install(folder)
        shutil.copytree(PROJECT, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
        environment = {
            "DATABASE_URL": database.url,
            "DJANGO_SETTINGS_MODULE": "settings",
            "STRIPE_TEST_SECRET_KEY": "sk_test_" + "0" * 24,
            "STRIPE_WEBHOOK_SECRET": SECRET,
        }
        path = _prepare(python, folder / "project", environment)
        target = ["--factory", "django.core.wsgi:get_wsgi_application"]
        with granian(target, size, folder=folder / "project", environment=environment, python=python) as web:
            yield Peer(web, path)


def _install(folder: Path) -> str:
    """Make the environment and return its Python."""
    uv = shutil.which("uv")
    if uv is None:
        raise NotInstalled("uv is not on the path")
    python = str(folder / "environment" / "bin" / "python")
    _run([uv, "venv", "-q", "--python", sys.executable, str(folder / "environment")], folder)
    packages = ["dj-stripe~=2.11", *(f"{name}=={version(name)}" for name in SHARED)]
    _run([uv, "pip", "install", "-q", "--python", python, *packages], folder)
    return python


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=180)
    except subprocess.CalledProcessError as error:
        raise NotInstalled(error.stderr.strip().splitlines()[0] if error.stderr else "uv failed") from error
    except subprocess.TimeoutExpired as error:
        raise NotInstalled("the network does not answer") from error


def _prepare(python: str, project: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [python, "prepare.py"],
        cwd=project,
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.split()[-1]
