"""The webhook behind the production server: what only a real connection can show."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kyc.ralio.signature import sign
from tests import postgres, wire
from tests.server import SECRET, running_desk

pytestmark = [pytest.mark.own_database, pytest.mark.xdist_group("test_webhook_over_http")]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("desk")
    with running_desk(f"sqlite:///{folder}/desk.sqlite3", RALIO_WEBHOOK_MAX_BYTES="100000") as found:
        yield found


def post(port: int, body: Any, signed: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/webhooks/ralio", body, {"X-Signature": sign(SECRET, signed), **headers})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_a_body_of_known_length_is_taken(port: int) -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    assert post(port, body, body) == (200, {"received": True})
    assert post(port, body, body) == (200, {"received": True, "duplicate": True})


def test_a_chunked_body_is_taken(port: int) -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    parts = iter([body[:50], body[50:51], body[51:]])
    assert post(port, parts, body) == (200, {"received": True})


def test_a_chunked_body_over_the_limit_is_refused(port: int) -> None:
    body = b"x" * 200_000
    status, answer = post(port, iter([body]), body)
    assert (status, answer["status"]) == (413, 413)


def test_a_length_over_the_limit_is_answered_before_the_body_comes(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"POST /webhooks/ralio HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_is_cut_off_leaves_the_next_one_alone(port: int) -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    head = f"POST /webhooks/ralio HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nX-Signature: {sign(SECRET, body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode() + body[:20])
    assert post(port, body, body) == (200, {"received": True})


def test_a_database_that_is_away_is_answered_503() -> None:
    if postgres.find_programs() is None:
        pytest.skip(postgres.MISSING)
    server = postgres.start()
    try:
        with running_desk(server.url) as port:
            body = wire.encode(wire.payload("kyc_session_failed"))
            assert post(port, body, body) == (200, {"received": True})
            server.stop()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/webhooks/ralio", body, {"X-Signature": sign(SECRET, body)})
            response = connection.getresponse()
            assert (response.status, response.headers["Content-Type"]) == (503, "application/problem+json")
            assert int(response.headers["Retry-After"]) > 0
    finally:
        server.stop()


def test_a_database_that_is_locked_is_answered_503(port: int, tmp_path: Path) -> None:
    import sqlite3

    with running_desk(f"sqlite:///{tmp_path}/desk.sqlite3") as other:
        holder = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        body = wire.encode(wire.payload("kyc_session_failed"))
        assert post(other, body, body)[0] == 503
        holder.execute("ROLLBACK")
        assert post(other, body, body) == (200, {"received": True})
