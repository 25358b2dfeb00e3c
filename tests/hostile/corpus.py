"""JSON at its corners, valid, invalid and left open by RFC 8259, and the places of an event where it may stand.

`expected` says what the webhook's contract promises for a value in a place. Nothing here is sent by Ralio.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

type Kind = Literal["null", "text", "number", "bool", "list", "object", "uuid", "none"]
type Fate = Literal["applied", "not_json", "invalid"]

DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value as bytes. Kind `none` is no JSON at all; `depth` counts its brackets."""

    name: str
    text: bytes
    kind: Kind
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value may stand. `depth` counts the brackets around it, `takes` the kinds that are no fault there."""

    name: str
    depth: int
    takes: frozenset[Kind]


def nested(n: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * n + (b"1" if opening != b"[" else b"") + closing * n


# --- Values ------------------------------------------------------------------------------------
def _number(name: str, text: bytes) -> Value:
    return Value(f"number {name}", text, "number")


def _text(name: str, inside: bytes) -> Value:
    return Value(f"text {name}", b'"' + inside + b'"', "text")


def _bad(name: str, text: bytes) -> Value:
    return Value(f"bad {name}", text, "none")


VALID = [
    Value("null", b"null", "null"),
    Value("true", b"true", "bool"),
    Value("list empty", b"[]", "list", 1),
    Value("list of null", b"[null]", "list", 1),
    Value("object empty", b"{}", "object", 1),
    Value("object with an empty name", b'{"":0}', "object", 1),
    Value("object with a name twice", b'{"a":1,"a":2}', "object", 1),
    Value("object with a name twice, once escaped", b'{"a":1,"\\u0061":{"b":1,"b":1}}', "object", 2),
    Value("object that is __proto__", b'{"__proto__":{"x":1},"constructor":null}', "object", 2),
    Value("object with NUL for a name", b'{"\\u0000":1}', "object", 1),
    Value("object with a lone surrogate for a name", b'{"\\ud800":1,"\\udfff":1}', "object", 1),
    Value("object with a name of 100 kB", b'{"' + b"n" * 100_000 + b'":1}', "object", 1),
    Value("object with many members", json.dumps(dict.fromkeys(map(str, range(5000)))).encode(), "object", 1),
    _number("zero", b"0"),
    _number("minus zero", b"-0"),
    _number("minus zero with a fraction", b"-0.0"),
    _number("beyond 64 bits", b"18446744073709551616"),
    _number("below 64 bits", b"-9223372036854775809"),
    _number("beyond a double", b"1e400"),
    _number("below a double", b"-1E+400"),
    _number("nearly nothing", b"1e-400"),
    _number("with a huge exponent", b"1e999999999999999999"),
    _number("of 10,000 digits", b"7" * 10_000),
    _number("with a fraction of 10,000 digits", b"0." + b"3" * 10_000),
    _number("of no exact double", b"0.1000000000000000055511151231257827"),
    _text("empty", b""),
    _text("NUL", b"\\u0000"),
    _text("of NUL among letters", b"a\\u0000b"),
    _text("high surrogate alone", b"\\ud800"),
    _text("low surrogate alone", b"\\uDC00"),
    _text("surrogates in the wrong order", b"\\udc00\\ud800"),
    _text("surrogate pair", b"\\ud83d\\ude00"),
    _text("of every escape", b'\\"\\\\\\/\\b\\f\\n\\r\\t\\u002F'),
    _text("raw delete", b"\x7f"),
    _text("raw noncharacters", "\uffff\ufffe\U0010ffff".encode()),
    _text("byte order mark inside", "\ufeff".encode()),
    _text("turned round", "\u202eabc\u2066".encode()),
    _text("line separators", "\u2028\u2029".encode()),
    _text("of markup", b"</script><script>alert(1)</script>{{ 7*7 }}{% x %}"),
    _text("of SQL", b"'; DROP TABLE kyc_session; --%s%%"),
    _text("brackets", b"[" * 1000),
    _text("of a megabyte", b"m" * 1_000_000),
    _text("of escaped quotes and brackets", b'\\"[' * 1000),
    Value("deep 100", nested(100), "list", 100),
    Value("deep 195", nested(195), "list", 195),
    Value("deep 196", nested(196), "list", 196),
    Value("deep objects 195", nested(195, b'{"a":', b"}"), "object", 195),
    Value("deep objects 196", nested(196, b'{"a":', b"}"), "object", 196),
    Value("deep 100,000", nested(100_000), "list", 100_000),
]

INVALID = [
    _bad("NaN", b"NaN"),
    _bad("Infinity", b"Infinity"),
    _bad("minus Infinity", b"-Infinity"),
    _bad("nan", b"nan"),
    _bad("undefined", b"undefined"),
    _bad("nothing", b""),
    _bad("True", b"True"),
    _bad("leading zero", b"01"),
    _bad("minus alone", b"-"),
    _bad("plus", b"+1"),
    _bad("no digits before the point", b".5"),
    _bad("no digits after the point", b"1."),
    _bad("no exponent", b"1e"),
    _bad("hexadecimal", b"0x10"),
    _bad("underscore", b"1_000"),
    _bad("digits of another script", "\u0661".encode()),
    _bad("minus of another script", "\u22121".encode()),
    _bad("single quotes", b"'a'"),
    _bad("raw NUL in text", b'"a\0b"'),
    _bad("raw NUL", b"\0"),
    _bad("raw tab in text", b'"a\tb"'),
    _bad("raw line feed in text", b'"a\nb"'),
    _bad("raw unit separator in text", b'"a\x1fb"'),
    _bad("unknown escape", b'"\\x41"'),
    _bad("short escape", b'"\\u12"'),
    _bad("escape with a sign", b'"\\u+123"'),
    _bad("escape with an underscore", b'"\\u1_23"'),
    _bad("escape of another script", '"\\u\u0661\u0661\u0661\u0661"'.encode()),
    _bad("escape at the end", b'"\\"'),
    _bad("text not closed", b'"a'),
    _bad("trailing comma in a list", b"[1,]"),
    _bad("trailing comma in an object", b'{"a":1,}'),
    _bad("leading comma", b"[,1]"),
    _bad("no comma", b"[1 2]"),
    _bad("no colon", b'{"a" 1}'),
    _bad("no value", b'{"a":}'),
    _bad("name without quotes", b"{a:1}"),
    _bad("name that is a number", b"{1:1}"),
    _bad("comment", b"/* a */1"),
    _bad("line comment", b"1//a\n"),
    _bad("brackets crossed", b"[{]}"),
    _bad("list not closed", b"["),
    _bad("list closed twice", b"[]]"),
    _bad("a million brackets", b"[" * 1_000_000),
    _bad("a million closing brackets", b"]" * 1_000_000),
    _bad("a hundred thousand braces", b'{"a":' * 100_000),
    _bad("no-break space", "\u00a01".encode()),
    _bad("form feed", b"\f1"),
    _bad("vertical tab", b"\v1"),
    _bad("byte order mark", "\ufeff1".encode()),
    # --- not UTF-8
    _bad("raw surrogate", b'"\xed\xa0\x80"'),
    _bad("raw surrogate pair", b'"\xed\xa0\xbd\xed\xb8\x80"'),
    _bad("overlong slash", b'"\xc0\xaf"'),
    _bad("overlong NUL", b'"\xc0\x80"'),
    _bad("overlong in four bytes", b'"\xf0\x80\x80\xaf"'),
    _bad("truncated UTF-8", b'"\xe2\x82"'),
    _bad("continuation byte alone", b'"\x80"'),
    _bad("beyond Unicode", b'"\xf4\x90\x80\x80"'),
    _bad("byte that UTF-8 never has", b'"\xff"'),
    _bad("Latin-1", b'"\xe9"'),
]

VALUES = VALID + INVALID

# --- Places ------------------------------------------------------------------------------------
ANYTHING: frozenset[Kind] = frozenset({"null", "text", "number", "bool", "list", "object", "uuid"})

PLACES = [
    Place("envelope", 1, ANYTHING),
    Place("id", 1, frozenset({"uuid"})),
    Place("timestamp", 1, frozenset()),
    Place("data", 1, frozenset()),
    Place("sessionId", 2, frozenset({"uuid"})),
    Place("userId", 2, frozenset({"null", "uuid"})),
    Place("entityType", 2, ANYTHING),
    Place("member", 2, ANYTHING),
    Place("checks", 2, frozenset({"null"})),
    Place("check", 3, frozenset()),
    Place("check.type", 4, frozenset({"text", "uuid"})),
    Place("check.state", 4, ANYTHING),
    Place("check.data", 4, ANYTHING),
    Place("check.data.member", 5, ANYTHING),
    Place("reasons", 4, frozenset({"null"})),
    Place("reason", 5, frozenset()),
    Place("reason.code", 6, ANYTHING),
    Place("reason.message", 6, ANYTHING),
]


def expected(value: Value, place: Place) -> Fate:
    """Return what DESIGN's table of members promises for the value in the place."""
    if value.kind == "none" or value.depth + place.depth > DEEPEST:
        return "not_json"
    is_empty_list = value.name == "list empty" and place.name in {"checks", "reasons"}
    # An object may stand among the reasons with any members or none; a check wants a type.
    is_reason = value.kind == "object" and place.name == "reason" and "name twice" not in value.name
    return "applied" if value.kind in place.takes or is_empty_list or is_reason else "invalid"


def event(value: Value, *places: str) -> bytes:
    """Return an event of a fresh session with the value in each of the places; without any it is a good event."""
    parts: dict[str, bytes] = {
        "envelope": b'"-"',
        "id": b'"%s"' % str(uuid4()).encode(),
        "timestamp": b'"2026-03-17T17:14:13.123Z"',
        "sessionId": b'"%s"' % str(uuid4()).encode(),
        "userId": b'"%s"' % str(uuid4()).encode(),
        "entityType": b'"user"',
        "member": b'"-"',
        "check.type": b'"face-matching"',
        "check.state": b"2",
        "check.data.member": b'"-"',
        "reason.code": b'"LOW_CONFIDENCE"',
        "reason.message": b'"-"',
    }
    wholes = dict.fromkeys(places, value.text)
    parts |= wholes
    reason = wholes.get("reason", b'{"code":%(reason.code)b,"message":%(reason.message)b}' % _keys(parts))
    parts["reasons"] = wholes.get("reasons", b"[" + reason + b"]")
    parts["check.data"] = wholes.get("check.data", b'{"member":%(check.data.member)b}' % _keys(parts))
    written = b'{"type":%(check.type)b,"state":%(check.state)b,"data":%(check.data)b,"reasons":%(reasons)b}'
    check = wholes.get("check", written % _keys(parts))
    parts["checks"] = wholes.get("checks", b"[" + check + b"]")
    written = b'{"sessionId":%(sessionId)b,"userId":%(userId)b,"entityType":%(entityType)b,"member":%(member)b,"checks":%(checks)b}'
    parts["data"] = wholes.get("data", written % _keys(parts))
    written = b'{"id":%(id)b,"event":"kyc_session_failed","timestamp":%(timestamp)b,"envelope":%(envelope)b,"data":%(data)b}'
    return written % _keys(parts)


def _keys(parts: dict[str, bytes]) -> dict[bytes, bytes]:
    return {name.encode(): part for name, part in parts.items()}


def good() -> bytes:
    return event(Value("none", b"", "none"))
