"""A machine that is set up as the README says passes Django's checks, and its server writes lines of JSON."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.engines import OUR_VARIABLES
from tests.server import ROOT

pytestmark = pytest.mark.own_database

# What stands for each value that the README leaves to whoever sets the desk up.
VALUES = {
    "DJANGO_SECRET_KEY": "mV0q-7Yw3hR9tK2xLd5sZ8bNfJ4cGpA6uE1iOyWkQrTnHvXjMzB4s",
    "RALIO_WEBHOOK_SECRETS": "w7R2kX9pLq4Zt1",
    "DATABASE_URL": "postgres://desk:password@127.0.0.1:5432/desk",
    "EMAIL_URL": "smtp+tls://desk:password@mail.example.com:587",
    "DEFAULT_FROM_EMAIL": "KYC Desk <kyc@example.com>",
    "COMPLIANCE_TEAM_EMAILS": "compliance@example.com",
    "KYC_SEAL_EMAILS": "seals@example.org",
}


def block() -> str:
    section = (ROOT / "README.md").read_text().partition("\n## In production\n")[2]
    return section.partition("```sh\n")[2].partition("```")[0]


def variables() -> dict[str, str]:
    """Return what the README has a machine export, with values where it has none."""
    found: dict[str, str] = {}
    for line in re.findall(r"^export (.*)$", block(), re.MULTILINE):
        for name, _, value in (part.partition("=") for part in shlex.split(line)):
            found[name] = VALUES[name] if value.endswith("…") else value
    assert {"DJANGO_DEBUG", "DJANGO_SECRET_KEY", "DATABASE_URL"} <= set(found)
    return found


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OUR_VARIABLES)}
    return clean | variables() | more


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Not a setting of the developer's own: from their file none is read where the environment has it.
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=180
    )


def test_the_readme_s_settings_pass_every_check_for_production() -> None:
    checked = manage("check", "--deploy", "--fail-level", "WARNING")

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


COOKIES = """
import django; django.setup()
from django.conf import settings
print([settings.CSRF_COOKIE_NAME, settings.CSRF_COOKIE_SECURE, settings.CSRF_COOKIE_SAMESITE,
       settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SECURE_HSTS_SECONDS >= 31536000,
       settings.SECURE_SSL_REDIRECT, settings.LOGGING["formatters"]["line"]["form"]])
"""


def test_with_them_cookies_travel_over_https_alone_and_lines_are_json() -> None:
    told = subprocess.run(
        [sys.executable, "-c", COOKIES],
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE="config.settings"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "['__Host-csrftoken', True, 'Strict', True, True, True, True, 'json']"


def test_the_server_that_the_readme_starts_writes_lines_of_json(tmp_path: Path) -> None:
    (line,) = re.findall(r"^uv run --no-dev python -m (granian .*)$", block(), re.MULTILINE)
    port = str(postgres.free_port())
    arguments = shlex.split(
        re.sub(r"--port \d+", f"--port {port}", re.sub(r"--workers \d+", "--workers 1", line))
    )
    log = tmp_path / "log"
    with log.open("wb") as file:
        server: Any = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment(DATABASE_URL=f"sqlite:///{tmp_path}/desk.sqlite3"),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 150
        while "Started worker-1" not in log.read_text():
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
    finally:
        # A worker that is told to end while it starts does not hear it.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert "Started worker-1" in {line["message"] for line in lines}
    assert all({"at", "level", "logger", "message"} <= set(line) for line in lines)
