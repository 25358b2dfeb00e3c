"""Signed bodies as nobody should write them, each with the answer that the contract promises: taken or unreadable."""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from kyc.ralio.simulator.promises import Promise
from kyc.ralio.simulator.wire import Event

type Body = dict[str, Any]
type Spoil = Callable[[Random, Body], bytes]

_SESSION_EVENTS = (
    "kyc_session_failed",
    "kyc_session_manual_review",
    "kyc_session_verified",
    "kyc_session_expired",
)
_OTHER_KINDS: tuple[Any, ...] = (None, True, 17, 1.5, "", "text", [], ["text"], {}, {"a": 1}, [[{}]])
_WRONG_INSTANTS = (
    "2026-11-19",
    "2026-11-19T10:00:00",
    "2026-11-19T24:00:00Z",
    "2026-11-19T10:59:60Z",
    "2026-02-30T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "yesterday",
    1_795_000_000,
)
_ODD_NAMES = (
    "kyc_session_",
    "kyc.",
    "kyb_\x00",
    "KYC_SESSION_FAILED",
    "payin.completed\ud800",
    "a b\u2028c",
    "\U0001f9ff" * 50,
    "related_party.kyc_session_deleted",
    "x" * 30_000,
)


class Hostile:
    """Makes one odd body after another; the same seed and the same instants make the same.

    `limit` is the receiver's, in bytes: what comes out longer is promised to be too large.
    """

    def __init__(self, rng: Random, *, limit: int) -> None:
        self._rng, self._limit = rng, limit
        self._sessions: deque[UUID] = deque(maxlen=30)

    def next(self, at: datetime) -> Event:
        pick = self._rng.random()
        if pick < 0.1:
            return self._conflicting(at)
        promise = Promise.UNREADABLE if pick < 0.6 else Promise.TAKEN
        trials = UNREADABLE if promise == Promise.UNREADABLE else TAKEN
        trial = self._rng.choice(sorted(trials))
        body = self._body(at)
        event_id = UUID(body["id"])
        return self._event(event_id, at, trials[trial](self._rng, body), promise, trial)

    def _conflicting(self, at: datetime) -> Event:
        """Return an event that is followed by another one under the same id."""
        first, second = self._body(at), self._body(at)
        second["id"] = first["id"]
        event_id, trial = UUID(first["id"]), "known id, another content"
        following = self._event(event_id, at, _dump(second), Promise.CONFLICT, trial)
        return self._event(event_id, at, _dump(first), Promise.TAKEN, trial, following)

    def _event(
        self, event_id: UUID, at: datetime, spoilt: bytes, promise: Promise, trial: str, *then: Event
    ) -> Event:
        return Event(
            event_id,
            "hostile",
            at,
            "g2",
            spoilt,
            promise=promise if len(spoilt) <= self._limit else Promise.TOO_LARGE,
            trial=trial,
            is_chunked=self._rng.random() < 0.1,
            then=then,
        )

    def _body(self, at: datetime) -> Body:
        """Return a sound event: of a new session, or of one of the last that this made odd things of."""
        if not self._sessions or self._rng.random() < 0.6:
            self._sessions.append(self._id())
        reason = {
            "type": "face-match",
            "code": "LOW_CONFIDENCE",
            "message": "Too unlike.",
            "category": "FACE",
        }
        measured = {"provider": "MOCK", "timestamp": at.isoformat()}
        check = {"type": "face-matching", "state": 2, "data": measured, "reasons": [reason]}
        data = {
            "sessionId": str(self._rng.choice(self._sessions)),
            "userId": str(self._id()),
            "entityType": "user",
            "checks": [check],
        }
        name = self._rng.choice(_SESSION_EVENTS)
        return {"id": str(self._id()), "event": name, "timestamp": at.isoformat(), "data": data}

    def _id(self) -> UUID:
        return UUID(int=self._rng.getrandbits(128), version=4)


def _dump(body: Any) -> bytes:
    return json.dumps(body).encode("ascii")


def _check(body: Body) -> dict[str, Any]:
    check: dict[str, Any] = body["data"]["checks"][0]
    return check


def _reason(body: Body) -> dict[str, Any]:
    reason: dict[str, Any] = _check(body)["reasons"][0]
    return reason


def _with_text(body: Body, text: str) -> bytes:
    """Return the body with this JSON text, or what should be JSON, as the data of its check."""
    _check(body)["data"] = "HERE"
    return _dump(body).replace(b'"HERE"', text.encode("utf-8"))


# --- What is no event --------------------------------------------------------------------------------
def _not_json(rng: Random, body: Body) -> bytes:
    samples = (
        "",
        " ",
        "null",
        "17",
        '"text"',
        "[]",
        f"[{json.dumps(body)}]",
        f"id={body['id']}&event=kyc_session_failed",
        f"<event><id>{body['id']}</id></event>",
        str(body),
        json.dumps(body) + "{}",
        json.dumps(body)[:-1] + ",}",
        json.dumps(body).replace("2", "02", 1).replace('"checks"', "checks"),
        f"/* {body['id']} */ {json.dumps(body)}",
    )
    return rng.choice(samples).encode("utf-8")


def _cut_off(rng: Random, body: Body) -> bytes:
    whole = _dump(body)
    return whole[: rng.randrange(1, len(whole))]


def _too_deep(rng: Random, body: Body) -> bytes:
    depth = rng.choice((201, 1_000, 100_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    return _with_text(body, opening * depth + "1" + closing * depth)


def _unclosed(rng: Random, body: Body) -> bytes:
    return _dump(body)[:-1] + b',"a":' + rng.choice((b"[", b'{"a":')) * 100_000


def _bare_control(rng: Random, body: Body) -> bytes:
    _reason(body)["message"] = "HERE"
    return _dump(body).replace(b"HERE", bytes([rng.randrange(32)]))


def _not_utf_8(rng: Random, body: Body) -> bytes:
    if rng.random() < 0.5:
        return json.dumps(body).encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))
    _reason(body)["message"] = "HERE"
    wrong = rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"))
    return _dump(body).replace(b"HERE", wrong)


def _zipped(rng: Random, body: Body) -> bytes:
    return gzip.compress(_dump(body), mtime=0)


def _constant(rng: Random, body: Body) -> bytes:
    return _with_text(body, rng.choice(("NaN", "Infinity", "-Infinity", "[1, NaN]", "undefined", "1e", "+1")))


def _wrong_kind(rng: Random, body: Body) -> bytes:
    place = rng.choice(("id", "event", "data", "sessionId", "userId", "checks", "check", "type", "reasons"))
    wrong = [value for value in _OTHER_KINDS if not _is_allowed(place, value)]
    value = rng.choice(wrong)
    if place in body:
        body[place] = value
        # So that no two of them are the same bytes.
        return json.dumps({**body, "note": str(rng.getrandbits(64))}).encode("ascii")
    if place in {"type", "reasons"}:
        _check(body)[place] = value
    elif place == "check":
        body["data"]["checks"].append(value)
    else:
        body["data"][place] = value
    return _dump(body)


def _is_allowed(place: str, value: Any) -> bool:
    """Return True for a value that is no fault there, or none for this place only."""
    if place in {"id", "sessionId"}:
        return False
    if place == "userId":
        return value is None
    if place in {"event", "type"}:
        return isinstance(value, str) and (place == "type" or value != "")
    if place == "data":
        # An object without its members is a fault of its own.
        return False
    if place == "check":
        return isinstance(value, dict) and bool(value.get("type"))
    return value is None or value == []


def _missing(rng: Random, body: Body) -> bytes:
    place = rng.choice(("id", "event", "timestamp", "data", "sessionId", "type"))
    holder = body if place in body else body["data"] if place in body["data"] else _check(body)
    if rng.random() < 0.5:
        del holder[place]
    else:
        holder[place] = None
    return json.dumps({**body, "note": str(rng.getrandbits(64))}).encode("ascii")


def _named_twice(rng: Random, body: Body) -> bytes:
    place = rng.choice(
        ("id", "event", "timestamp", "data", "sessionId", "checks", "state", "reasons", "code")
    )
    name = f'"{place}": '.encode()
    return _dump(body).replace(name, name + rng.choice((b"1, ", b"null, ")) + name, 1)


def _spellings_differ(rng: Random, body: Body) -> bytes:
    both = {"eventId": "x", "eventType": "kyc_session_other", "event_id": str(UUID(int=rng.getrandbits(128)))}
    name = rng.choice(sorted(both))
    if rng.random() < 0.5:
        body["data"]["session_id"] = str(UUID(int=rng.getrandbits(128)))
    else:
        body[name] = both[name]
    return _dump(body)


def _wrong_instant(rng: Random, body: Body) -> bytes:
    body["timestamp"] = rng.choice(_WRONG_INSTANTS)
    return _dump(body)


UNREADABLE: Mapping[str, Spoil] = {
    "not JSON": _not_json,
    "cut off": _cut_off,
    "nests too deep": _too_deep,
    "brackets without end": _unclosed,
    "bare control character": _bare_control,
    "not UTF-8": _not_utf_8,
    "gzip": _zipped,
    "not a number": _constant,
    "wrong kind": _wrong_kind,
    "missing member": _missing,
    "member named twice": _named_twice,
    "two spellings that differ": _spellings_differ,
    "wrong instant": _wrong_instant,
}


# --- What is an event all the same -------------------------------------------------------------------
def _byte_order_mark(rng: Random, body: Body) -> bytes:
    return b"\xef\xbb\xbf" + _dump(body)


def _unstorable_text(rng: Random, body: Body) -> bytes:
    text = rng.choice(("a\x00b", "\ud800", "\udfff\ud800", "\x00" * 300, "\U0001f600\udc00"))
    _reason(body).update({name: text + name for name in ("code", "message", "category", "type")})
    _check(body).update(type=text, state=text, data={text: text, "provider": text})
    body["data"][text] = text
    return _dump(body)


def _huge_number(rng: Random, body: Body) -> bytes:
    digits = "9" * rng.choice((20, 400, 5_000))
    number = rng.choice(
        (digits, f"-{digits}", f"1e{digits[:400]}", f"0.{digits}", f"-1E-{digits[:20]}", "-0")
    )
    _reason(body)["code"] = "CODE"
    return _with_text(body, f'{{"a": {number}}}').replace(b'"CODE"', number.encode("ascii"))


def _deep(rng: Random, body: Body) -> bytes:
    depth = rng.randrange(100, 190)
    return _with_text(body, "[" * depth + "]" * depth)


def _huge_code(rng: Random, body: Body) -> bytes:
    _reason(body).update(code=f"{rng.getrandbits(64)}" * 2_000, category="C" * 20_000, message="m" * 50_000)
    return _dump(body)


def _many(rng: Random, body: Body) -> bytes:
    reason, check = _reason(body), _check(body)
    codes = [f"KYC.MANY.{rng.randrange(500)}" for _ in range(rng.choice((10, 200)))]
    check["reasons"] = [{**reason, "code": code} for code in codes]
    body["data"]["checks"] = [{**check, "type": f"check-{n}"} for n in range(rng.choice((1, 5)))]
    return _dump(body)


def _unknown_words(rng: Random, body: Body) -> bytes:
    _check(body)["state"] = rng.choice((None, True, 1.0, 3, "pending", [], {"a": 1}, "1 "))
    _reason(body)["code"] = rng.choice((None, 17, {"b": [1]}, [], False))
    body["data"]["entityType"] = rng.choice((None, 5, "robot", [], {"a": "\ud800"}))
    return _dump(body)


def _twice_inside_data(rng: Random, body: Body) -> bytes:
    return _with_text(body, '{"provider": "A", "provider": "B", "": 1, "": 2}')


def _spelt_oddly(rng: Random, body: Body) -> bytes:
    """Return the same JSON in other letters: every spelling of a member at once, escapes, white space."""
    body["eventId"], body["event_id"] = body["id"], None
    body["data"]["session_id"] = body["data"]["sessionId"]
    text = json.dumps(body, indent=rng.choice((None, 7)), separators=("\r\n,\t", " :\n"))
    text = text.replace("kyc_", "\\u006byc_").replace('"data"', '"\\u0064ata"')
    return f"\n\t {text} \r\n".encode()


def _extreme_instant(rng: Random, body: Body) -> bytes:
    body["timestamp"] = rng.choice(
        (
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "2026-11-19T10:00:00,5+14:00",
            "20261119T100000Z",
            "2026-11-19t10:00:00." + "1" * 300 + "z",
        )
    )
    return _dump(body)


def _foreign(rng: Random, body: Body) -> bytes:
    body["event"] = rng.choice(_ODD_NAMES)
    body["data"] = rng.choice(({}, {"sessionId": 5}, body["data"], {"checks": "none"}))
    return _dump(body)


TAKEN: Mapping[str, Spoil] = {
    "byte order mark": _byte_order_mark,
    "NUL and lone surrogates": _unstorable_text,
    "huge number": _huge_number,
    "nests deep": _deep,
    "huge code": _huge_code,
    "many checks and codes": _many,
    "unknown words": _unknown_words,
    "named twice inside data": _twice_inside_data,
    "spelt oddly": _spelt_oddly,
    "extreme instant": _extreme_instant,
    "foreign event": _foreign,
}
