"""The client of Ralio's API over real HTTP: logins, tries, pages, and answers from someone who means no good."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyc.choices import SessionState
from kyc.ralio import client as module
from kyc.ralio.client import ApiError, BadAnswer, Busy, Client, LoginRefused, Refused, Unreachable
from kyc.ralio.simulator.api import FAULTS, Api, Behaviour
from kyc.ralio.simulator.book import Book

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
CODE, KEY = "merchant-code", "merchant-key-hunter2"


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def api(book: Book) -> Iterator[Api]:
    with Api(book, code=CODE, key=KEY) as served:
        yield served


class Waits(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(api: Api, waits: Waits) -> Iterator[Client]:
    made = Client(api.url, CODE, KEY, sleep=waits)
    yield made
    made.close()


def note(book: Book, user: UUID, state: str = "REVIEW", session: UUID | None = None) -> UUID:
    session = session or uuid4()
    book.note(session, user, SessionState(state), NOON, created_at=NOON, problems=())
    return session


def logins(api: Api) -> int:
    return list(api.paths).count("/api/v1/auth/login")


@contextmanager
def answering(answer: bytes | Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one raw answer to every request, and yield the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    answer(connection) if callable(answer) else connection.sendall(answer)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def test_it_signs_in_once_and_reads_all_three(api: Api, book: Book, client: Client) -> None:
    user = uuid4()
    session = note(book, user)

    (listed,) = client.sessions(user)
    assert (listed.session_id, listed.state) == (session, "REVIEW")
    assert [log.state for log in client.history(user, session)] == ["NOT_STARTED", "STARTED", "REVIEW"]
    assert client.checks(user, session) is not None
    assert logins(api) == 1


def test_a_token_that_is_no_longer_taken_is_renewed_once(api: Api, client: Client) -> None:
    user = uuid4()
    assert list(client.sessions(user)) == []
    api.forget_tokens()
    assert list(client.sessions(user)) == []
    assert logins(api) == 2
    api.behaviour.token_seconds = -1
    api.forget_tokens()
    with pytest.raises(Refused, match="401"):
        list(client.sessions(user))
    assert logins(api) == 3


def test_a_login_that_is_refused_is_not_tried_again(api: Api) -> None:
    with pytest.raises(LoginRefused, match="RALIO_API_KEY"):
        list(Client(api.url, CODE, "another", sleep=pytest.fail).sessions(uuid4()))
    assert logins(api) == 1


@pytest.mark.parametrize("fault", ["500", "503", "429", "hang_up"])
def test_what_passes_is_tried_again_each_wait_longer(
    api: Api, client: Client, waits: Waits, fault: str
) -> None:
    api.behaviour.faults.extend([fault] * 3)
    assert list(client.sessions(uuid4())) == []
    assert len(waits) == 3
    assert all(0.25 <= wait <= 8 for wait in waits) and waits[2] >= 1
    if fault == "429":
        assert all(wait >= 1 for wait in waits), "Retry-After says 1."


def test_what_does_not_pass_ends(api: Api, client: Client) -> None:
    api.behaviour.faults.extend(["503"] * module.N_TRIES)
    with pytest.raises(Busy, match="503"):
        list(client.sessions(uuid4()))
    assert len(api.paths) == module.N_TRIES
    with pytest.raises(Refused, match="404"):
        client.checks(uuid4(), uuid4())


def test_nobody_there_is_said_without_the_address() -> None:
    with pytest.raises(Unreachable, match="ConnectError") as refused:
        Client("http://127.0.0.1:1", CODE, KEY, sleep=lambda _: None).checks(uuid4(), uuid4())
    assert "127.0.0.1" not in str(refused.value)


def test_an_api_that_asks_for_long_is_left_alone(waits: Waits) -> None:
    answer = http(b"{}", "429 Too Many Requests", "Retry-After: 3600")
    with answering(answer) as url, pytest.raises(Busy) as refused:
        Client(url, CODE, KEY, sleep=waits).checks(uuid4(), uuid4())
    assert (refused.value.retry_after, waits) == (3600, [])


def test_every_page_is_read_and_each_session_once(api: Api, book: Book, client: Client) -> None:
    user = uuid4()
    sessions = {note(book, user) for _ in range(205)}
    found = [listed.session_id for listed in client.sessions(user)]
    assert len(found) == 205 and set(found) == sessions
    assert [path.partition("?")[2] for path in api.paths if "?" in path] == [
        f"page={n}&pageSize=100" for n in (1, 2, 3)
    ]


def test_a_list_without_end_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(path: str) -> Any:
        session = uuid4() if is_new else UUID(int=1)
        said = {"pagination": {"numPages": 10**8}, "sessions": [{"id": str(session), "state": "REVIEW"}]}
        return module.parse(json.dumps(said).encode())

    monkeypatch.setattr(client, "_ask", endless)
    is_new = False
    with pytest.raises(BadAnswer, match="nothing new"):
        list(client.sessions(uuid4()))
    is_new = True
    with pytest.raises(BadAnswer, match="longer than 100 pages"):
        list(client.sessions(uuid4()))


def dripping(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.02)


def flooding(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(2000):
        connection.sendall(b" " * 65_536)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (http(b"<html>hunter3</html>"), BadAnswer, "not JSON"),
        (http(b'{"token": 5}'), BadAnswer, "without a token"),
        (http(b'{"token": "a\\r\\nb"}'), BadAnswer, "without a token"),
        (http(b"", "302 Found", "Location: http://127.0.0.1:1/hunter3"), LoginRefused, "302"),
        (http(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"), BadAnswer, "encoding"),
        (b"SSH-2.0-hunter3\r\n", Unreachable, "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", Unreachable, "RemoteProtocolError"),
        (flooding, BadAnswer, "more than 8,388,608 bytes"),
        (dripping, Unreachable, "ReadTimeout"),
    ],
)
def test_a_hostile_answer_is_an_error_that_says_what_and_repeats_nothing(
    answer: Any, error: type[ApiError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer is dripping:
        monkeypatch.setattr(module, "ANSWER_WITHIN", 0.3)
    with answering(answer) as url, pytest.raises(error, match=said) as refused:
        Client(url, CODE, KEY, n_tries=1).checks(uuid4(), uuid4())
    assert "hunter" not in str(refused.value)


def test_a_stalled_answer_ends_in_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_WITHIN", 0.2)
    api.behaviour.faults.append("stall")
    with pytest.raises(Unreachable, match="ReadTimeout"):
        Client(api.url, CODE, KEY, n_tries=1).checks(uuid4(), uuid4())


def test_only_a_uuid_becomes_part_of_a_path(client: Client) -> None:
    with pytest.raises(TypeError):
        client.checks("../../admin", uuid4())  # type: ignore[arg-type]


def test_nothing_secret_reaches_the_log(
    api: Api, book: Book, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    user = uuid4()
    session = note(book, user)
    api.behaviour.faults.extend(["503", "401"])
    with caplog.at_level(logging.DEBUG):
        client.checks(user, session)
        list(client.sessions(user))
    assert KEY not in caplog.text and "verify.example" not in caplog.text
    assert not any(token in caplog.text for token in api._tokens)
    assert "503; trying once more" in caplog.text


def test_the_played_api_errs_as_often_as_asked() -> None:
    behaviour = Behaviour(share=0.5, rng=Random(1))
    had = [behaviour.next_fault() for _ in range(400)]
    assert 150 < len([fault for fault in had if fault]) < 250
    assert set(had) == {"", *FAULTS}
