"""Ralio's REST API, asked with care: one login per process, bounded waits, tries, pages and sizes.

Whatever goes wrong is an ApiError whose text names what it was, and never holds a token, a key, a link or a word of
an answer. The same goes for the log.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from kyc.ralio import answers
from kyc.ralio.answers import Listed, Log, Malformed
from kyc.ralio.jsontext import Members, NotJson, Number, parse

logger = logging.getLogger(__name__)

PAGE_SIZE = 100
# Of one user's sessions. A real user has a handful.
MOST_PAGES = 100
MAX_ANSWER_BYTES = 8 * 1024 * 1024
CONNECT_WITHIN, READ_WITHIN = 4.0, 10.0
# For one whole answer: a server that sends a byte now and then would never run into the time-out of one read.
ANSWER_WITHIN = 20.0
N_TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
# Who is told to come back later than this comes back by other means than waiting.
LONGEST_RETRY_AFTER = 20.0

_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)


class ApiError(Exception):
    """The API did not tell what was asked. `retry_after`: the seconds that it asked to be left alone for, if it did."""

    retry_after: float | None = None


class Unreachable(ApiError):
    """No answer came, or not in time; another question would fare no better."""


class Busy(Unreachable):
    """It answered that it cannot answer now: 429 or 5xx, after every try."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LoginRefused(Unreachable):
    """It does not let us in: another code and key, or not the API's address."""


class Refused(ApiError):
    """It answered with an error to just this question."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Ralio's API answered {status}")
        self.status = status


class BadAnswer(ApiError):
    """What it answered cannot be read: not JSON, too large, or not of the promised shape."""


class Client:
    """Asks one API under one code and key. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        code: str,
        key: str,
        *,
        n_tries: int = N_TRIES,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._url, self._code, self._key = url, code, key
        self._n_tries, self._sleep = n_tries, sleep
        self._token = ""
        self._lock = threading.Lock()
        timeout = httpx.Timeout(READ_WITHIN, connect=CONNECT_WITHIN)
        # An answer is read as it comes: what is packed could grow without bound when unpacked.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        # A proxy named in the environment could not reach this machine's own loopback.
        self._http = httpx.Client(timeout=timeout, headers=headers, trust_env=not _is_loopback(url))

    def close(self) -> None:
        self._http.close()

    def sessions(self, user_id: UUID) -> Iterator[Listed]:
        """Yield the user's sessions, each once, page by page."""
        seen: set[UUID] = set()
        for number in range(1, MOST_PAGES + 1):
            path = f"{_sessions(user_id)}?page={number}&pageSize={PAGE_SIZE}"
            page = _shaped(answers.page, self._ask(path))
            fresh = [listed for listed in page.sessions if listed.session_id not in seen]
            seen.update(listed.session_id for listed in fresh)
            yield from fresh
            if number >= page.n_pages:
                return
            if not fresh:
                raise BadAnswer("Ralio's list of sessions says that it goes on, and brings nothing new")
        raise BadAnswer(f"Ralio's list of sessions is longer than {MOST_PAGES} pages")

    def history(self, user_id: UUID, session_id: UUID) -> list[Log]:
        """Return the session's state log, oldest first."""
        document = self._ask(f"{_sessions(user_id)}/{_segment(session_id)}/state-history")
        return _shaped(lambda said: answers.history(said, session_id), document)

    def checks(self, user_id: UUID, session_id: UUID) -> Members | None:
        """Return what the API says of the session's checks, or None when it knows of none."""
        document = self._ask(f"{_sessions(user_id)}/{_segment(session_id)}/checks")
        return _shaped(lambda said: answers.checks(said, session_id), document)

    def _ask(self, path: str) -> Any:
        """Return the JSON that a path answers with; a token that is no longer taken is renewed once."""
        token = self._signed_in("")
        status, body = self._tried("GET", path, headers={"Authorization": f"Bearer {token}"})
        if status == 401:
            token = self._signed_in(token)
            status, body = self._tried("GET", path, headers={"Authorization": f"Bearer {token}"})
        if status != 200:
            raise Refused(status)
        return _json(body)

    def _signed_in(self, refused: str) -> str:
        """Return a token other than the refused one: the one that another thread has fetched by now, or a new one."""
        with self._lock:
            if not self._token or self._token == refused:
                self._token = self._login()
            return self._token

    def _login(self) -> str:
        said = {"api_code": self._code, "api_key": self._key}
        status, body = self._tried("POST", "/api/v1/auth/login", json=said)
        if status in {400, 401, 403, 422}:
            raise LoginRefused("Ralio's API does not take RALIO_API_CODE and RALIO_API_KEY")
        if status not in {200, 201}:
            raise LoginRefused(f"Ralio's API answered the login with {status}")
        document = _json(body)
        token = dict(document.pairs).get("token") if isinstance(document, Members) else None
        if not isinstance(token, str) or isinstance(token, Number) or not _TOKEN.fullmatch(token):
            raise BadAnswer("Ralio's API answered the login without a token")
        return str(token)

    def _tried(self, method: str, path: str, **sent: Any) -> tuple[int, bytes]:
        """Return status and body. A failed connection, 429 and 5xx are tried again, each wait longer, less some chance."""
        for n in range(1, self._n_tries + 1):
            try:
                status, body, retry_after = self._once(method, path, **sent)
                if status != 429 and status < 500:
                    return status, body
                failure: Unreachable = Busy(f"Ralio's API answered {status}", retry_after)
            except httpx.TransportError as error:
                failure = Unreachable(f"Ralio's API cannot be reached: {type(error).__name__}")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise BadAnswer(f"Ralio's API speaks no HTTP: {type(error).__name__}") from None
            wait = _wait(n, failure.retry_after)
            if n == self._n_tries or wait is None:
                break
            logger.info("%s; trying once more.", failure)
            self._sleep(wait)
        # Not from the error: its text may hold the address, and that an id.
        raise failure from None

    def _once(self, method: str, path: str, **sent: Any) -> tuple[int, bytes, float | None]:
        with self._http.stream(method, f"{self._url}{path}", **sent) as answer:
            retry_after = _seconds(answer.headers.get("Retry-After", ""))
            if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise BadAnswer("Ralio's API answered in an encoding that was not asked for")
            return answer.status_code, _body(answer), retry_after


@lru_cache(maxsize=4)
def shared(url: str, code: str, key: str, n_tries: int = N_TRIES) -> Client:
    """Return this process's client for an API, with the token that it has."""
    return Client(url, code, key, n_tries=n_tries)


def _sessions(user_id: UUID) -> str:
    return f"/api/v1/account/users/{_segment(user_id)}/identity-verifications"


def _segment(value: UUID) -> str:
    """Return a UUID's text. Nothing else may become part of a path."""
    if not isinstance(value, UUID):
        raise TypeError("Only a UUID may stand in a path.")
    return str(value)


def _body(answer: httpx.Response) -> bytes:
    """Read an answer's bytes. Raises BadAnswer when they are too many, ReadTimeout when they take too long."""
    parts: list[bytes] = []
    n_read, deadline = 0, time.monotonic() + ANSWER_WITHIN
    # Without a size of its own, so that each part is seen as it comes.
    for part in answer.iter_raw():
        n_read += len(part)
        if n_read > MAX_ANSWER_BYTES:
            raise BadAnswer(f"Ralio's API answered with more than {MAX_ANSWER_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("")
        parts.append(part)
    return b"".join(parts)


def _json(body: bytes) -> Any:
    try:
        return parse(body)
    except NotJson:
        raise BadAnswer("Ralio's API answered something that is not JSON") from None


def _shaped[T](read: Callable[[Any], T], document: Any) -> T:
    try:
        shaped: T = read(document)
    except Malformed as error:
        raise BadAnswer(f"Ralio's API answered in another shape than promised: {error}") from None
    return shaped


def _wait(n: int, retry_after: float | None) -> float | None:
    """Return how long to wait after the n-th failed try; None when the API asks for longer than is worth waiting."""
    longest = min(FIRST_WAIT * 2.0 ** (n - 1), LONGEST_WAIT)
    wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that many do not come back at once
    if retry_after is None:
        return wait
    return None if retry_after > LONGEST_RETRY_AFTER else max(wait, retry_after)


def _seconds(text: str) -> float | None:
    """Return what Retry-After says, a number of seconds or a date, as seconds from now; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return float(text)
    try:
        at: float = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, at - time.time())


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
