"""Everything with one command: database, people, server, worker and a played Ralio, until Ctrl-C."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
import time
import webbrowser
from argparse import ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from config.demo import database
from config.demo.processes import Child, Children
from config.demo.story import Story
from kyc.management.options import number, whole
from kyc.people import ensure_person
from kyc.ralio.simulator import Player
from kyc.ralio.simulator.api import Api
from kyc.ralio.simulator.book import Book

PEOPLE = {
    "officer.a": "officer",
    "officer.b": "officer",
    "supervisor": "supervisor",
    "auditor": "auditor",
    "admin": "admin",
}
# Those who decide, when the story begins: two officers and a supervisor.
WORKING = ("officer.a", "officer.b", "supervisor")
HOST = "127.0.0.1"
READY_WITHIN = 30.0
# Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Command(BaseCommand):
    help = "Starts KYC Desk with a database of its own, fresh passwords and a simulated Ralio. Ctrl-C ends it all."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        option = parser.add_argument
        option(
            "--port", type=_port, default=8000, help="Where the desk listens on this machine. Default: 8000."
        )
        option(
            "--sessions", type=whole, default=400, help="Sessions in three weeks of history. Default: 400."
        )
        option("--rate", type=number, default=0.25, help="New events a second; 0 for none. Default: 0.25.")
        option("--reset", action="store_true", help="Start anew: forget the demo's database and mail.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo prints passwords. It does not start while DJANGO_DEBUG is false.")
        self.folder = Path(settings.BASE_DIR) / ".demo"
        path = self.folder / "demo.sqlite3"
        _use(path)
        self.end_on_signals()
        try:
            held = database.hold(self.folder)
            _refuse_taken(options["port"])
            database.prepare(path, is_reset=options["reset"])
        except database.Refused as error:
            raise CommandError(str(error)) from None
        try:
            self.run(**options)
        finally:
            held.close()

    def end_on_signals(self) -> None:
        """Note that a signal came; its handler must do no more, for what it interrupts may hold a lock."""
        self.is_told_to_stop = False

        def note(*_: object) -> None:
            self.is_told_to_stop = True

        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a closed terminal ends nothing.
            if ending != signal.SIGHUP or signal.getsignal(ending) != signal.SIG_IGN:
                signal.signal(ending, note)

    def run(self, *, port: int, sessions: int, rate: float, **options: Any) -> None:
        """Serve until told to stop or until something dies."""
        call_command("migrate", verbosity=0, interactive=False)
        passwords = {name: _password() for name in PEOPLE}
        for name, role in PEOPLE.items():
            person = ensure_person(name, role, passwords[name])
            # Their mail lies in the demo's folder with all other.
            person.email = f"{name}@demo.example"
            person.save(update_fields=["email"])
        connection.close()
        secret, desk = secrets.token_urlsafe(24), f"http://{HOST}:{port}"
        environment = os.environ | _environment(self.folder, desk, secret)
        with (
            Api(Book(), code="demo", key=secrets.token_urlsafe(24)) as api,
            Children(
                self.folder, environment | _api_environment(api), cwd=Path(settings.BASE_DIR)
            ) as children,
        ):
            children.start("server", _server(port))
            children.start("worker", [sys.executable, "manage.py", "worker"])
            if self.wait_until_ready(desk, children):
                self.introduce(desk, secret, passwords)
                _open_browser(desk)
                with Player(f"{desk}/webhooks/ralio", secret) as player:
                    story = Story(
                        player,
                        n_sessions=sessions,
                        rate=rate,
                        people=WORKING,
                        say=self.say,
                        book=api.book,
                    )
                    self.play(story, children)
        self.say("Stopped. The same command goes on with the same data; --reset starts anew.")

    def wait_until_ready(self, desk: str, children: Children) -> bool:
        """Return True when the server is ready, False when the demo was told to stop before."""
        deadline = time.monotonic() + READY_WITHIN
        while not self.is_told_to_stop:
            if child := children.dead():
                raise _died(child)
            with suppress(httpx.TransportError):
                if httpx.get(f"{desk}/health/ready", trust_env=False, timeout=5).is_success:
                    return True
            if time.monotonic() > deadline:
                raise CommandError(f"The server is not ready after {READY_WITHIN:g} s: see {self.folder}.")
            time.sleep(0.1)
        return False

    def play(self, story: Story, children: Children) -> None:
        """Play until told to stop. The server goes first then, so that a post on its way ends at once."""
        story.start()
        try:
            self.watch(story, children)
        finally:
            self.say("\nStopping.")
            story.stop.set()
            children.stop()
            story.join()

    def watch(self, story: Story, children: Children) -> None:
        """Return when the demo was told to stop. A child or a story that ended by itself ends all."""
        while not self.is_told_to_stop:
            if story.error is not None:
                raise CommandError(f"The simulated Ralio failed: {story.error!r}") from story.error
            if child := children.dead():
                raise _died(child)
            time.sleep(0.2)

    def introduce(self, desk: str, secret: str, passwords: dict[str, str]) -> None:
        lines = [
            "",
            f"KYC Desk runs at {desk}/",
            "",
            f"  {'Person':<12}{'Role':<12}Password (new at each start)",
            *(f"  {name:<12}{role:<12}{passwords[name]}" for name, role in PEOPLE.items()),
            "",
            f"  Webhook     {desk}/webhooks/ralio",
            f"  Secret      {secret}",
            f"  Mail        {self.folder}/mail",
            f"  Logs        {self.folder}/server.log, worker.log",
            "",
            "Ctrl-C ends the demo.",
        ]
        self.say("\n".join(lines))

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _use(path: Path) -> None:
    """Start this command again with the demo's database, unless it is the one in use."""
    if settings.DATABASES["default"]["NAME"] == str(path):
        return
    if os.environ.get("DATABASE_URL") == database.url(path):
        raise CommandError(f"The settings do not take {path} as their database.")
    environment = os.environ | {"DATABASE_URL": database.url(path)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        # What a server that has just stopped leaves behind does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise database.Refused(f"Port {port} is taken. Choose another one with --port.") from None


def _environment(folder: Path, desk: str, secret: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url(folder / "demo.sqlite3"),
        "RALIO_WEBHOOK_SECRETS": secret,
        "DESK_URL": desk,
        "DJANGO_DEBUG": "true",
        "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
        "DJANGO_BEHIND_PROXY": "false",
        "EMAIL_URL": f"filemail:///{quote(str(folder / 'mail'))}",
        "COMPLIANCE_TEAM_EMAILS": "compliance@demo.example,mlro@demo.example",
        "PYTHONUNBUFFERED": "1",
    }


def _api_environment(api: Api) -> dict[str, str]:
    """Return the settings by which the desk asks the played Ralio's own API."""
    return {"RALIO_API_URL": api.url, "RALIO_API_CODE": api.code, "RALIO_API_KEY": api.key}


def _server(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "warning"),
        *("--host", HOST, "--port", str(port), "--blocking-threads", "16"),
        # A worker that is told to stop while it starts does not hear it.
        *("--workers-kill-timeout", "2"),
        "config.wsgi:application",
    ]


def _died(child: Child) -> CommandError:
    return CommandError(
        f"The {child.name} ended by itself (exit code {child.process.returncode}).\n{child.last_words()}".strip()
    )


def _open_browser(desk: str) -> None:
    """Open the desk where there is a screen. Nothing depends on it."""
    has_screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_screen:
        threading.Thread(target=webbrowser.open, args=[f"{desk}/"], daemon=True).start()


def _password() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def _port(text: str) -> int:
    value = whole(text)
    if not 1 <= value <= 65535:
        raise ArgumentTypeError(f"{text!r} is not a port.")
    return value
