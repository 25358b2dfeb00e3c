"""Whole bodies: encodings, shapes and sizes, names that stand twice, and what the contract promises for each."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from tests.hostile.corpus import good, nested

type Kept = Literal["applied", "recorded", "ignored", "not_json", "invalid"]

MOST, MB = 8 * 1024 * 1024, 1024 * 1024
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Body:
    """A way to make a body, with ids of its own each time, and what it is kept as."""

    name: str
    make: Callable[[], bytes]
    kept: Kept


def _fixed(name: str, body: bytes, kept: Kept = "not_json") -> Body:
    return Body(name, lambda: body, kept)


def _good_in(encoding: str, kept: Kept = "not_json", bom: bytes = b"") -> Body:
    return Body(
        f"{encoding}{' with its mark' * bool(bom)}", lambda: bom + good().decode().encode(encoding), kept
    )


def _around(name: str, before: bytes, after: bytes, kept: Kept) -> Body:
    return Body(name, lambda: before + good() + after, kept)


def _written(name: str, text: str, kept: Kept) -> Body:
    """A body as text, with WORDS in it."""
    for word, meaning in WORDS.items():
        text = text.replace(word, meaning)

    def make() -> bytes:
        first, *others = text.split("<id>")
        return first.encode() + b"".join(f'"{uuid4()}"{other}'.encode() for other in others)

    return Body(name, make, kept)


NOTHING_LIKE_JSON = [
    _fixed("one NUL", b"\0"),
    _fixed("a space", b" "),
    _fixed("8 MiB of white space", b" \t\r\n" * (MOST // 4)),
    _fixed("a megabyte of NUL", b"\0" * MB),
    _fixed("8 MiB of brackets", b"[" * MOST),
    _fixed("a megabyte of quotes", b'"' * MB),
    _fixed("a megabyte of backslashes in text", b'["' + b"\\" * MB),
    _fixed("a million closing brackets", b"]" * 1_000_000),
    _fixed("null", b"null"),
    _fixed("true", b"true"),
    _fixed("a number", b"-0"),
    _fixed("a huge number", b"1e400"),
    _fixed("NaN", b"NaN"),
    _fixed("text", b'"text"'),
    _fixed("an empty list", b"[]"),
    _fixed("lists 199 deep", nested(199)),
    _fixed("lists 200 deep", nested(200)),
    _fixed("lists 201 deep", nested(201)),
    _fixed("lists 100,000 deep", nested(100_000)),
    _fixed("objects 201 deep", nested(201, b'{"a":', b"}")),
    _fixed("objects 100,000 deep", nested(100_000, b'{"a":', b"}")),
    _fixed("lists and objects 202 deep", b'[{"a":' * 101 + b"1" + b"}]" * 101),
    _fixed("a hundred thousand lists beside each other", b"[" + b"[]," * 100_000 + b"[]]"),
    _fixed("bytes of every kind", bytes(range(256))),
    _fixed("a form", b"id=1&event=kyc_session_failed"),
    _fixed("XML", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    _fixed(
        "a pickle",
        b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    ),
    Body("in a list", lambda: b"[" + good() + b"]", "not_json"),
    Body("in base64", lambda: base64.b64encode(good()), "not_json"),
    Body("as JSON text in JSON", lambda: json.dumps(good().decode()).encode(), "not_json"),
    Body("gzip", lambda: gzip.compress(good()), "not_json"),
    Body("deflate", lambda: zlib.compress(good()), "not_json"),
    Body("cut off", lambda: good()[:-1], "not_json"),
    Body("with single quotes", lambda: good().replace(b'"', b"'"), "not_json"),
]

ENCODINGS = [
    _good_in("utf-8", "applied"),
    _good_in("utf-8", "applied", BOM),
    _good_in("utf-16-le"),
    _good_in("utf-16-be"),
    _good_in("utf-16-le", bom=b"\xff\xfe"),
    _good_in("utf-16-be", bom=b"\xfe\xff"),
    _good_in("utf-32-le"),
    _good_in("utf-32-be", bom=b"\0\0\xfe\xff"),
    _good_in("utf-7", "applied"),
    _good_in("cp037"),
]

SURROUNDINGS = [
    _around("two byte order marks", BOM + BOM, b"", "not_json"),
    _around("a byte order mark behind", b"", BOM, "not_json"),
    _around("white space on both sides", b"\r\n\t ", b" \n", "applied"),
    _around("8 MiB of white space before", b" " * (MOST - 1000), b"", "applied"),
    _around("a megabyte of white space behind", b"", b"\n" * MB, "applied"),
    _around("a NUL behind", b"", b"\0", "not_json"),
    _around("a comma behind", b"", b",", "not_json"),
    _around("a comment behind", b"", b"// end", "not_json"),
    _around("a second object behind", b"", b"\n{}", "not_json"),
    _around("JSONP", b"call(", b");", "not_json"),
    _around("a guard against hijacking", b")]}',\n", b"", "not_json"),
    _around("a record separator", b"\x1e", b"\n", "not_json"),
]

# What the words in angle brackets stand for; each <id> is another UUID.
WORDS = {
    "<event>": '"id":<id>,"event":"kyc_session_failed",<at>',
    "<created>": '"id":<id>,"event":"related_party.kyc_session_created",<at>',
    "<subject>": '"sessionId":<id>,"userId":<id>',
    "<party>": '"relatedParty":{"id":<id>,"firstName":"A"}',
    "<at>": '"timestamp":"2026-03-17T17:14:13.123Z"',
}
TWICE = [
    _written("envelope: id", '{<event>,"id":<id>,"data":{<subject>}}', "invalid"),
    _written("envelope: id, escaped", '{<event>,"\\u0069d":<id>,"data":{<subject>}}', "invalid"),
    _written("envelope: data", '{<event>,"data":{<subject>},"data":{<subject>}}', "invalid"),
    _written("envelope: an unknown member", '{<event>,"x":1,"x":1,"data":{<subject>}}', "invalid"),
    _written("envelope: NUL and U+FFFD", '{<event>,"\\u0000":1,"\\ufffd":1,"data":{<subject>}}', "applied"),
    _written("envelope: both spellings, differing", '{<event>,"eventId":<id>,"data":{<subject>}}', "invalid"),
    _written("envelope: both spellings, one null", '{<event>,"eventId":null,"data":{<subject>}}', "applied"),
    _written("envelope: in capitals too", '{<event>,"ID_":1,"Id":1,"data":{<subject>}}', "applied"),
    _written("data: sessionId", '{<event>,"data":{<subject>,"sessionId":<id>}}', "invalid"),
    _written("data: both spellings, differing", '{<event>,"data":{<subject>,"session_id":<id>}}', "invalid"),
    _written("data: an unknown member", '{<event>,"data":{<subject>,"x":1,"x":2}}', "invalid"),
    _written("below an unknown member", '{<event>,"data":{<subject>,"x":{"y":1,"y":2}}}', "applied"),
    _written("check: state", '{<event>,"data":{<subject>,"checks":[{"type":"t","state":1,"state":2}]}}', "invalid"),
    _written("check: __proto__", '{<event>,"data":{<subject>,"checks":[{"type":"t","__proto__":1,"__proto__":2}]}}', "invalid"),
    _written("check.data", '{<event>,"data":{<subject>,"checks":[{"type":"t","data":{"a":1,"a":2}}]}}', "applied"),
    _written("check.data: provider", '{<event>,"data":{<subject>,"checks":[{"type":"t","data":{"provider":1,"provider":"M"}}]}}', "applied"),
    _written("reason: code", '{<event>,"data":{<subject>,"checks":[{"type":"t","reasons":[{"code":"A","code":"B"}]}]}}', "invalid"),
    _written("reason: below its code", '{<event>,"data":{<subject>,"checks":[{"type":"t","reasons":[{"code":{"a":1,"a":2}}]}]}}', "applied"),
    _written("created: session", '{<created>,"data":{"kycSession":{"id":<id>,"id":<id>},<party>}}', "invalid"),
    _written("created: party", '{<created>,"data":{"kycSession":{"id":<id>},"relatedParty":{"id":<id>,"id":<id>}}}', "invalid"),
    _written("created: business user", '{<created>,"data":{"kycSession":{"id":<id>},"businessUser":{"id":1,"id":2},<party>}}', "applied"),
]  # fmt: skip

OTHER_EVENTS = [
    _written("a payment", '{"id":<id>,"event":"payin.completed",<at>,"data":{"a":1e400,"a":[]}}', "ignored"),
    _written("an event named __proto__", '{"id":<id>,"event":"__proto__",<at>,"data":{}}', "ignored"),
    _written("an event named NUL", '{"id":<id>,"event":"\\u0000",<at>,"data":{}}', "ignored"),
    _written("an event named half a pair", '{"id":<id>,"event":"\\ud83d",<at>,"data":{}}', "ignored"),
    _written("an event with 100 kB of name", '{"id":<id>,"event":"%s",<at>,"data":{}}' % ("n" * 100_000), "ignored"),
    _written("an unknown KYC event with 100 kB of name", '{"id":<id>,"event":"kyc_%s",<at>,"data":{}}' % ("n" * 100_000), "recorded"),
    _written("an unknown KYC event with NUL", '{"id":<id>,"event":"kyc_\\u0000",<at>,"data":{"userId":[],"userId":1}}', "recorded"),
    _written("a record event", '{"id":<id>,"event":"kyc.state_updated",<at>,"data":{"userId":<id>,"x":-0}}', "recorded"),
    _written("a record event about no UUID", '{"id":<id>,"event":"kyc_state_updated",<at>,"data":{"userId":7}}', "invalid"),
    _written("an event without a name", '{"id":<id>,"event":"",<at>,"data":{}}', "invalid"),
    _written("an event whose name is a number", '{"id":<id>,"event":7,<at>,"data":{}}', "invalid"),
    _fixed("an empty object", b"{}", "invalid"),
    _fixed("objects 200 deep", nested(200, b'{"a":', b"}"), "invalid"),
    _fixed("an object of 20,000 members", json.dumps(dict.fromkeys(map(str, range(20_000)))).encode(), "invalid"),
]  # fmt: skip

BODIES = NOTHING_LIKE_JSON + ENCODINGS + SURROUNDINGS + TWICE + OTHER_EVENTS
