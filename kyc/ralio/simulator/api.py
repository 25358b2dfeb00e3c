"""The played Ralio's REST API: a small HTTP server over what it knows, with faults on demand."""

from __future__ import annotations

import json
import math
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from kyc.ralio.simulator import book as shapes
from kyc.ralio.simulator.book import Book, Entry

FAULTS = ("500", "503", "429", "401", "stall", "hang_up", "garbage")
LARGEST_PAGE, USUAL_PAGE = 100, 30
_TOKEN_SECONDS = 600.0
_LARGEST_BODY = 64 * 1024
_PATH = re.compile(
    r"/api/v1/account/users/(?P<user>[0-9a-f-]{36})/identity-verifications"
    r"(?:/(?P<session>[0-9a-f-]{36})/(?P<what>checks|state-history))?"
)


@dataclass(slots=True)
class Behaviour:
    """How the API behaves. `faults` are had one by one by the next calls; `share` is the chance of one in every call."""

    faults: deque[str] = field(default_factory=deque)
    share: float = 0.0
    token_seconds: float = _TOKEN_SECONDS
    stall_seconds: float = 3.0
    rng: Random = field(default_factory=Random)

    def next_fault(self) -> str:
        if self.faults:
            return self.faults.popleft()
        return self.rng.choice(FAULTS) if self.share and self.rng.random() < self.share else ""


class Api:
    """Serves a Book on 127.0.0.1 while it is entered; `paths` are the last ones asked for, oldest first."""

    def __init__(self, book: Book, *, port: int = 0, code: str = "code", key: str = "key") -> None:
        self.book, self.code, self.key = book, code, key
        self.behaviour = Behaviour()
        self.paths: deque[str] = deque(maxlen=1000)
        self.has_stopped = threading.Event()
        self._tokens: dict[str, float] = {}
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.has_stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sign_in(self, said: Any) -> str | None:
        """Return a fresh token for the right code and key, None for others."""
        if not isinstance(said, dict) or (said.get("api_code"), said.get("api_key")) != (self.code, self.key):
            return None
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + self.behaviour.token_seconds
        return token

    def is_signed_in(self, header: str) -> bool:
        return self._tokens.get(header.removeprefix("Bearer "), 0) > time.monotonic()

    def forget_tokens(self) -> None:
        self._tokens.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away in the middle."""


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        served = api

    return Handler


class _Handler(BaseHTTPRequestHandler):
    served: Api
    protocol_version = "HTTP/1.1"
    # Whoever keeps a connection open without a word is let go.
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the command prints its tally."""

    def do_POST(self) -> None:
        said = self._body()
        if not self._misbehaves():
            self._answer_post(said)

    def do_GET(self) -> None:
        if not self._misbehaves():
            self._answer_get()

    def _answer_post(self, said: Any) -> None:
        if self.path != "/api/v1/auth/login":
            return self._send(404, {"message": "Not found"})
        token = self.served.sign_in(said)
        return self._send(200, {"token": token}) if token else self._send(401, {"message": "Unauthorised"})

    def _answer_get(self) -> None:
        if not self.served.is_signed_in(self.headers.get("Authorization", "")):
            return self._send(401, {"message": "Unauthorised"})
        parts = urlsplit(self.path)
        match = _PATH.fullmatch(parts.path)
        if match is None:
            return self._send(404, {"message": "Not found"})
        user_id = UUID(match["user"])
        if not match["session"]:
            return self._send(200, self._page(user_id, parse_qs(parts.query)))
        entry = self.served.book.session(user_id, UUID(match["session"]))
        if entry is None:
            return self._send(404, {"message": "Not found"})
        shape: Callable[[Entry], dict[str, Any]] = (
            shapes.checks if match["what"] == "checks" else shapes.history
        )
        return self._send(200, shape(entry))

    def _page(self, user_id: UUID, asked: dict[str, list[str]]) -> dict[str, Any]:
        number = max(1, _whole(asked, "page", 1))
        size = min(max(1, _whole(asked, "pageSize", USUAL_PAGE)), LARGEST_PAGE)
        entries = self.served.book.sessions(user_id)
        n_pages = max(1, math.ceil(len(entries) / size))
        here = f"/api/v1/account/users/{user_id}/identity-verifications?pageSize={size}&page="
        return {
            "pagination": {
                "next": f"{here}{number + 1}" if number < n_pages else "",
                "previous": f"{here}{number - 1}" if number > 1 else "",
                "page": number,
                "numPages": n_pages,
                "pageSize": size,
                "total": len(entries),
            },
            "sessions": [shapes.listed(entry) for entry in entries[(number - 1) * size : number * size]],
        }

    def _misbehaves(self) -> bool:
        """Have the next fault, if there is one, and return True when it was the whole answer."""
        self.served.paths.append(self.path)
        fault = self.served.behaviour.next_fault()
        if fault == "stall":
            self.served.has_stopped.wait(self.served.behaviour.stall_seconds)
        elif fault == "hang_up":
            self.close_connection = True
            return True
        elif fault == "garbage":
            self._send_bytes(200, b"<html>Not what you asked for</html>")
            return True
        elif fault == "401":
            self.served.forget_tokens()
        elif fault:
            self._send(int(fault), {"message": "Fault"}, {"Retry-After": "1"} if fault == "429" else {})
            return True
        return False

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        n_bytes = int(length) if length.isascii() and length.isdigit() else 0
        if n_bytes > _LARGEST_BODY:
            self.close_connection = True
            return None
        try:
            return json.loads(self.rfile.read(n_bytes))
        except ValueError:
            return None

    def _send(self, status: int, said: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(said).encode(), headers)

    def _send_bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _whole(asked: dict[str, list[str]], name: str, usual: int) -> int:
    text = asked.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual
