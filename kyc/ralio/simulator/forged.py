"""Posts that nobody should trust: a wrong signature or none, and bodies over the limit."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from random import Random

from kyc.ralio.signature import sign
from kyc.ralio.simulator.lives import Ralio
from kyc.ralio.simulator.promises import Promise
from kyc.ralio.simulator.wire import Event

type Forge = Callable[[str, bytes], str | None]


def _missing(secret: str, body: bytes) -> None:
    return None


def _halved(secret: str, body: bytes) -> str:
    return sign(secret, body)[:32]


def _two_at_once(secret: str, body: bytes) -> str:
    return f"{sign(secret, body)}, {sign('another', body)}"


def _twice_encoded(secret: str, body: bytes) -> str:
    return base64.b64encode(sign(secret, body).encode("ascii")).decode("ascii")


FORGERIES: Mapping[str, Forge] = {
    "no signature": _missing,
    "empty signature": lambda secret, body: "",
    "another secret": lambda secret, body: sign(f"{secret} ", body),
    "signature of another body": lambda secret, body: sign(secret, body + b" "),
    "signature of nothing": lambda secret, body: sign(secret, b""),
    "half a signature": _halved,
    "two signatures": _two_at_once,
    "another algorithm": lambda secret, body: "sha512=" + sign(secret, body),
    "encoded twice": _twice_encoded,
    "a very long signature": lambda secret, body: "0" * 5_000,
    "all zeros": lambda secret, body: "0" * 64,
}


class Forger:
    """Makes one forged post after another. `limit` is the receiver's, in bytes: a body above it is not read."""

    def __init__(self, rng: Random, *, limit: int) -> None:
        self._rng, self._limit = rng, limit
        self._ralio = Ralio(rng.getrandbits(64))

    def next(self, at: datetime) -> Event:
        event = self._ralio.next(at)
        if self._rng.random() < 0.15:
            return self._too_large(event)
        trial = self._rng.choice(sorted(FORGERIES))
        return replace(event, promise=Promise.UNTRUSTED, trial=trial, forge=FORGERIES[trial])

    def _too_large(self, event: Event) -> Event:
        """Return the event with white space up to just over the limit, as well signed as any."""
        is_chunked = self._rng.random() < 0.3
        return replace(
            event,
            promise=Promise.TOO_LARGE,
            trial="over the limit, in chunks" if is_chunked else "over the limit",
            n_padding=max(1, self._limit + 1 - len(event.body)),
            is_chunked=is_chunked,
        )
