"""Hostile requests at the production server: odd lengths, chunks, heads, methods and targets. After each a good one is served."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import good
from tests.hostile.raw import CHUNKED, END, PATH, chunk, request, send, whole
from tests.server import running_desk

pytestmark = [pytest.mark.own_database, pytest.mark.xdist_group("test_http")]

REFUSED_BY_SERVER = [400]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "desk.sqlite3"


@pytest.fixture(scope="module")
def port(database: Path) -> Iterator[int]:
    with running_desk(f"sqlite:///{database}", RALIO_WEBHOOK_MAX_BYTES="100000") as found:
        yield found


@pytest.fixture(autouse=True)
def next_one_is_served(port: int) -> Iterator[None]:
    yield
    assert send(port, whole()).statuses == [200]


def n_rows(database: Path, table: str) -> int:
    with sqlite3.connect(database) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# --- Length --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "length", [b"-5", b"abc", b"+5", b"0x10", b"5, 5", b" ", b"9" * 30, "\u0665".encode(), b"1e3"]
)
def test_a_length_that_is_none_never_reaches_the_desk(port: int, database: Path, length: bytes) -> None:
    before = n_rows(database, "kyc_refusedrequest"), n_rows(database, "kyc_delivery")
    assert send(port, request(body := good(), length=length), body).statuses == REFUSED_BY_SERVER
    assert before == (n_rows(database, "kyc_refusedrequest"), n_rows(database, "kyc_delivery"))


def test_no_length_and_no_chunks_are_an_empty_body(port: int) -> None:
    assert send(port, request(good(), length=None)).statuses == [401]
    assert send(port, request(b"", length=None)).statuses == [400]
    assert send(port, request(b"", length=b"0")).statuses == [400]


def test_a_length_that_is_too_short_breaks_the_signature(port: int) -> None:
    body = good()
    # What is left over is no request.
    assert send(port, request(body, length=b"%d" % (len(body) - 5)), body, n_answers=2).statuses[0] == 401


def test_a_body_that_is_cut_off_is_kept_as_far_as_it_came(port: int, database: Path) -> None:
    body = good()
    assert send(port, request(body), body[:-7], is_cut_off=True).statuses == [401]
    with sqlite3.connect(database) as connection:
        kept = connection.execute("SELECT body FROM kyc_refusedrequest ORDER BY id DESC LIMIT 1").fetchone()
    assert kept[0] == body[:-7]


def test_two_lengths_that_differ_are_refused(port: int) -> None:
    body = good()
    assert send(port, request(body, b"Content-Length: 3\r\n"), body).statuses == REFUSED_BY_SERVER


def test_no_request_is_smuggled_past_a_length(port: int) -> None:
    hidden = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answers = send(port, request(good(), CHUNKED), END + hidden, n_answers=2)
    assert answers.statuses == [401]
    assert b'"live"' not in answers.text


# --- Chunks --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(b"zz\r\n", END, id="no number"),
        pytest.param(b"-1\r\n", END, id="negative"),
        pytest.param(b"f" * 17 + b"\r\n", END, id="beyond 64 bits"),
        pytest.param(b"ffffffffffffffff\r\n", b"", id="endless"),
        pytest.param(b"5\r\n", END, id="too short"),
        pytest.param(b"fff\r\n", b"\r\n" + END, id="too long"),
    ],
)
def test_malformed_chunks_are_a_broken_body(port: int, start: bytes, end: bytes) -> None:
    body = good()
    answers = send(port, request(body, CHUNKED, length=None), start + body[:-3] + end, is_cut_off=True)
    assert answers.statuses == [401]


@pytest.mark.parametrize(
    "framed",
    [
        pytest.param(lambda body: chunk(body, b';a="b;c"') + END, id="extension"),
        pytest.param(lambda body: chunk(body) + b"0\r\nX-Signature: 00\r\nX-Odd: y\r\n\r\n", id="trailers"),
        pytest.param(lambda body: b"".join(chunk(body[at : at + 1]) for at in range(len(body))) + END, id="bytes"),
        pytest.param(lambda body: b"000" + chunk(body) + b"00000" + END, id="leading zeros"),
    ],
)  # fmt: skip
def test_odd_but_sound_chunks_are_read(port: int, framed: object) -> None:
    body = good()
    assert callable(framed)
    assert send(port, request(body, CHUNKED, length=None), framed(body)).statuses == [200]


@pytest.mark.parametrize("coding", [b"identity", b"gzip", b"xchunked", b"chunked, gzip"])
def test_another_transfer_coding_is_refused(port: int, coding: bytes) -> None:
    body = good()
    sent = request(body, b"Transfer-Encoding: " + coding + b"\r\n", length=None)
    assert send(port, sent, chunk(body) + END).statuses == REFUSED_BY_SERVER


# --- Heads ---------------------------------------------------------------------------------------------
def test_gzip_is_bytes_like_others(port: int) -> None:
    body, packed = good(), gzip.compress(good())
    packed_head = b"Content-Encoding: gzip\r\n"
    assert send(port, request(packed, packed_head), packed).statuses == [400]
    assert send(port, request(packed, packed_head, signed=body), packed).statuses == [401]


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(b"".join(b"X-%d: y\r\n" % number for number in range(10_000)), id="10,000 headers"),
        pytest.param(b"X-Long: " + b"y" * 1_000_000 + b"\r\n", id="a header of 1 MB"),
        pytest.param(b"X" * 1_000_000 + b": y\r\n", id="a name of 1 MB"),
    ],
)
def test_a_flood_of_headers_is_refused_by_the_server(port: int, extra: bytes) -> None:
    body = good()
    assert send(port, request(body, extra), body).statuses[0] in (400, 431)


@pytest.mark.parametrize(
    "extra",
    [
        b"Accept: text/html\r\n",
        b"Accept: */*;q=0\r\n",
        b"Accept: \xff\r\n",
        b"Accept: " + b"x/y," * 5000 + b"\r\n",
        b"Content-Type: text/xml; charset=utf-16\r\n",
        b"Content-Type: multipart/form-data\r\n",
        b"Content-Type: \xff\r\n",
        b"X-Request-Id: \xff\xfe\r\n",
        b"X-Long: " + b"y" * 300_000 + b"\r\n",
        b"Expect: 100-continue\r\n",
        b"Expect: the unexpected\r\n",
        b"Cookie: sessionid=x; csrftoken=y\r\n",
        b"X-Forwarded-Proto: gopher\r\nX-Forwarded-For: ::\r\nForwarded: for=_\r\n",
        b"X-HTTP-Method-Override: DELETE\r\n",
        b"Accept-Language: " + b"a-" * 5000 + b"\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    ],
    ids=lambda extra: extra[:32].decode("latin-1").strip(),
)
def test_an_odd_header_costs_no_event(port: int, extra: bytes) -> None:
    assert send(port, whole(extra=extra)).statuses == [200]


@pytest.mark.parametrize("extra", [b"X-Signature: 00\r\n", b"X_Signature: 00\r\n", b"x-signature:\r\n"])
def test_a_second_signature_makes_none_hold(port: int, extra: bytes) -> None:
    assert send(port, whole(extra=extra)).statuses == [401]


def test_a_wrong_expectation_is_no_way_past_the_limit(port: int) -> None:
    answers = send(port, request(b"", b"Expect: 100-continue\r\n", length=b"99999999"))
    assert answers.statuses == [413]
    assert b"100 Continue" not in answers.text


# --- Methods and targets -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"PURGE", b"POSTS"]
)
def test_another_method_is_answered_405(port: int, method: bytes) -> None:
    answers = send(port, request(body := good(), method=method), body)
    assert answers.statuses[0] == 405
    assert b"allow: POST" in answers.text


@pytest.mark.parametrize(
    "target",
    [b"http://127.0.0.1" + PATH, b"http://elsewhere.test" + PATH, PATH + b"/", PATH + b"?a=b&%ff", PATH + b"?" * 5000,
     b"/%77ebhooks/ralio", b"/webhooks/r%61lio"],
    ids=lambda target: target[:40].decode(),
)  # fmt: skip
def test_another_way_to_write_the_address_costs_no_event(port: int, target: bytes) -> None:
    assert send(port, request(body := good(), target=target), body).statuses == [200]


@pytest.mark.parametrize(
    "target",
    [b"/" + PATH, b"/webhooks//ralio", b"/webhooks/%2e/ralio", b"/webhooks/./ralio", b"/a/.." + PATH, PATH + b"//", PATH + b";a",
     PATH + b"%00", PATH + b"%ff", PATH.upper(), PATH + b"%2e", b"/webhooks%5cralio", b"/" + b"a" * 60_000],
    ids=lambda target: target[:40].decode(),
)  # fmt: skip
def test_another_address_is_not_the_webhook(port: int, target: bytes) -> None:
    assert send(port, request(body := good(), target=target), body).statuses[0] in (400, 404, 414, 431)


@pytest.mark.parametrize("host", [b"elsewhere.test", b"a b", b"<script>", b"127.0.0.1:99999", b"\xff", b""])
def test_an_odd_host_costs_no_event(port: int, host: bytes) -> None:
    assert send(port, request(body := good(), host=host), body).statuses == [200]


def test_requests_in_one_go_are_answered_in_order(port: int) -> None:
    body = good()
    last = whole(body, b"Connection: close\r\n")
    parts = [whole(body), whole(b"["), request(body, signed=b"") + body, last]
    # More than will come: until the server closes.
    answers = send(port, b"".join(parts), n_answers=9)
    assert answers.statuses == [200, 400, 401, 200]
    assert answers.text.count(b'"duplicate"') == 1


@pytest.mark.parametrize(
    "rubbish",
    [os.urandom(3000), b"\x16\x03\x01" + b"\0" * 300, b"\r\n" * 1000, b"POST\r\n\r\n", b"\0"],
    ids=range(5),
)
def test_what_is_no_http_is_dropped(port: int, rubbish: bytes) -> None:
    assert send(port, rubbish, is_cut_off=True).statuses in ([], REFUSED_BY_SERVER)
