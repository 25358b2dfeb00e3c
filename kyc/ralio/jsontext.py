"""JSON as it was written: every member in order, repeated names too, numbers as their own digits.

Python's `json` decides the odd corners by default (the last of two equal names wins, 1e400 becomes infinity, NaN is
taken); here each is decided on purpose. Nothing is refused that is JSON, nothing is taken that is not.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Any, NoReturn

MAX_DEPTH = 200

_NAME = itemgetter(0)
# A string up to its end (or the text's), or a bracket: enough to count how deep brackets nest.
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*+\\?(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


class NotJson(ValueError):
    """The bytes are not JSON in UTF-8, or nest too deep."""


class Number(str):
    """A number's digits as written."""

    __slots__ = ()


class Members:
    """An object's members in order, as name and value."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs

    def repeated(self) -> list[str]:
        """Return the names that stand more than once, each once."""
        seen: set[str] = set()
        twice: dict[str, None] = {}
        for name, _ in self.pairs:
            if name in seen:
                twice[name] = None
            seen.add(name)
        return list(twice)


def parse(body: bytes) -> Any:
    """Return the JSON value: Members, list, str, Number, bool or None. A UTF-8 byte order mark is passed over.

    Raises NotJson, and nothing else, for any other bytes.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotJson("The body is not UTF-8 text.") from None
    if _nests_too_deep(text):
        raise NotJson(f"The body nests deeper than {MAX_DEPTH} levels.")
    try:
        return json.loads(
            text,
            object_pairs_hook=Members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise NotJson(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None


def write(value: Any, *, is_sorted: bool = False) -> str:
    """Return the value as ASCII-escaped JSON text; with `is_sorted`, names in order, so that equal meanings are equal."""
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is Members:
        pairs = sorted(value.pairs, key=_NAME) if is_sorted else value.pairs
        # Lists, not generators, and text without a call: a frame less per level of nesting, and most values are text.
        inside = [
            f"{encode_basestring_ascii(k)}:{encode_basestring_ascii(v) if type(v) is str else write(v, is_sorted=is_sorted)}"
            for k, v in pairs
        ]
        return "{" + ",".join(inside) + "}"
    if kind is list:
        return "[" + ",".join([write(item, is_sorted=is_sorted) for item in value]) + "]"
    if kind is Number:
        return str(value)
    return {None: "null", True: "true", False: "false"}[value]


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"The body is not JSON: it holds {name}.")


def _nests_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _BRACKETS.finditer(text):
        piece = match[0]
        if piece in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif piece in "]}":
            depth -= 1
    return False
