"""Requests byte by byte: what an HTTP library would not send."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from kyc.ralio.signature import sign
from tests.hostile.corpus import good
from tests.server import SECRET

PATH = b"/webhooks/ralio"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back: each answer's status in order, and all the bytes."""

    statuses: list[int]
    text: bytes


def request(
    body: bytes,
    extra: bytes = b"",
    *,
    method: bytes = b"POST",
    target: bytes = PATH,
    host: bytes = b"127.0.0.1",
    length: bytes | None = b"",
    signed: bytes | None = None,
) -> bytes:
    """Return the head of a signed request. `length` is the declared one: by default the body's, with None none."""
    declared = b"" if length is None else b"Content-Length: %b\r\n" % (length or b"%d" % len(body))
    signature = sign(SECRET, body if signed is None else signed).encode()
    head = b"%b %b HTTP/1.1\r\nHost: %b\r\nX-Signature: %b\r\n" % (method, target, host, signature)
    return head + declared + extra + b"\r\n"


def whole(body: bytes | None = None, extra: bytes = b"") -> bytes:
    """Return a good request, head and body."""
    body = good() if body is None else body
    return request(body, extra) + body


def chunk(part: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(part), extension, part)


END = b"0\r\n\r\n"


def send(
    port: int, *parts: bytes, seconds: float = 60, n_answers: int = 1, is_cut_off: bool = False
) -> Answers:
    """Send the parts and return what comes back until the server closes, or `n_answers` are there.

    With `is_cut_off` nothing more is sent, and the server is told so.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        # The server may have answered and closed before it has read everything.
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
            if is_cut_off:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while len(_statuses(received)) < n_answers and (part := connection.recv(65_536)):
                received += part
    return Answers(_statuses(received), received)


def _statuses(received: bytes) -> list[int]:
    found = [int(piece[:3]) for piece in received.split(b"HTTP/1.1 ")[1:]]
    found += [int(piece[:3]) for piece in received.split(b"HTTP/1.0 ")[1:]]
    return [status for status in found if status != 100]
