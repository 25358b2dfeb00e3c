"""The JSON tree shows what was sent, whatever that was: every value once, in order, numbers by their own digits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.desk.jsontree import DEEPEST, Hits, Pencil, Piece, Tree, draw, flat
from kyc.desk.masking import masked_text
from kyc.ralio.jsontext import parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=40,
)


def rebuilt(tree: Tree) -> str:
    """Return the JSON text that a drawn tree shows."""
    texts: list[str] = []
    open_ones: list[str] = []
    for piece in tree.pieces:
        if piece.kind == "close":
            texts.append(open_ones.pop())
            continue
        if texts and not texts[-1].endswith(("{", "[", ":")):
            texts.append(",")
        if open_ones and open_ones[-1] == "}":
            texts += [json.dumps(piece.name), ":"]
        if piece.kind == "open":
            texts.append(piece.text[0])
            open_ones.append({"{": "}", "[": "]"}[piece.text[0]])
        else:
            texts.append(piece.text)
    assert open_ones == []
    return "".join(texts)


@given(VALUES)
def test_it_shows_every_value_once_and_in_order(value: Any) -> None:
    text = json.dumps(value)
    tree = draw(text)

    assert tree.is_whole
    # NUL and lone surrogates are the two that it cannot show.
    cleaned = json.dumps(value, ensure_ascii=False).replace("\\u0000", "\ufffd")
    assert json.loads(rebuilt(tree)) == json.loads(cleaned)


@given(st.text(alphabet='{}[]",:0e+-.tfn\\u\ud800 a') | st.binary())
def test_it_takes_any_text_and_any_bytes(text: str | bytes) -> None:
    tree = draw(text)

    assert tree.pieces or tree == Tree([])
    assert balance(tree) == 0


@given(VALUES, st.integers(min_value=0, max_value=20))
def test_it_never_draws_more_than_it_may(value: Any, most: int) -> None:
    tree = draw(json.dumps(value), most=most)

    assert tree.n_nodes <= most
    assert balance(tree) == 0
    assert tree.is_whole == (not any(piece.kind == "rest" for piece in tree.pieces))


def balance(tree: Tree) -> int:
    kinds = [piece.kind for piece in tree.pieces]
    return kinds.count("open") - kinds.count("close")


@pytest.mark.parametrize("number", ["1e400", "-0", "12345678901234567890.10", "9" * 5000, "1E+2"])
def test_a_number_keeps_its_digits(number: str) -> None:
    assert draw(number).pieces == [Piece("leaf", "data", number, "n")]


def test_a_name_that_stands_twice_is_shown_twice() -> None:
    tree = draw('{"state": 1, "state": "2", "type": null}')

    shown = [(piece.name, piece.text, piece.is_repeated) for piece in tree.pieces if piece.kind == "leaf"]
    assert shown == [("state", "1", True), ("state", '"2"', True), ("type", "null", False)]


def test_escaped_text_is_readable_and_what_no_page_can_hold_is_replaced() -> None:
    (leaf,) = draw('"caf\\u00e9 \\u0000 \\ud800 \\n \\"x\\""').pieces

    assert leaf.text == '"café \ufffd \ufffd \\n \\"x\\""'


def test_what_nests_very_deep_is_one_line_of_text_at_the_end() -> None:
    text = "[" * 200 + "7" + "]" * 200
    tree = draw(text)

    (leaf,) = [piece for piece in tree.pieces if piece.kind == "leaf"]
    assert leaf.text == "[" * (200 - DEEPEST) + "7" + "]" * (200 - DEEPEST)
    assert draw("[" + text + "]") == Tree([])


def test_what_is_left_out_is_counted() -> None:
    tree = draw('{"a": [1, 2, 3], "b": 4}', most=3)

    assert [piece.text for piece in tree.pieces if piece.kind == "rest"] == ["2", "1"]
    assert not tree.is_whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [('"a\\nb"', "a\nb"), ("12.50", "12.50"), ('{"a": [true]}', '{"a": [true]}'), ("null", "null")],
)
def test_one_value_is_one_line(text: str, shown: str) -> None:
    assert flat(parse(text.encode())) == shown


def marked(body: str, *places: str) -> list[tuple[str, str]]:
    """Return what is marked in a body whose faults name these places."""
    pieces = draw(body, "body", hits=Hits(places)).pieces
    return [(piece.kind, piece.name) for piece in pieces if piece.is_hit]


def test_what_faults_name_is_marked_where_it_stands() -> None:
    body = '{"id": 1, "data": {"checks": [{"state": 1}, {"state": 3}], "a.b": null}}'

    assert marked(body, "data.checks[1].state", "id") == [("leaf", "id"), ("leaf", "state")]
    assert marked(body, "data.checks", "data.a.b") == [("open", "checks"), ("leaf", "a.b")]
    assert marked("[1]", "") == [("open", "body")]


def test_what_faults_miss_is_named_in_what_should_hold_it() -> None:
    assert marked('{"data": {}}', "data.sessionId", "id") == [("missing", "sessionId"), ("missing", "id")]
    assert marked('{"data": {"checks": [{}]}}', "data.checks[0].type") == [("missing", "type")]
    assert marked("{}", "data.kycSession.id") == [("missing", "data.kycSession.id")]


def test_a_way_to_what_is_marked_is_open_however_long_the_list() -> None:
    body = json.dumps({"data": {"checks": [{"type": "a"}] * 99}})
    pieces = draw(body, hits=Hits(["data.checks[98].state"])).pieces

    assert [piece.is_open for piece in pieces if piece.name == "checks"] == [True]
    assert [piece.is_open for piece in draw(body).pieces if piece.name == "checks"] == [False]


@given(VALUES, st.lists(st.text(alphabet="ab01.[]"), max_size=5))
def test_marks_leave_the_tree_whole(value: Any, places: list[str]) -> None:
    tree = draw(json.dumps(value), hits=Hits(places))

    assert balance(tree) == 0


def test_a_masked_tree_has_names_and_no_value() -> None:
    sent = '{"holder": {"name": "Marta"}, "codes": [1, true, null, "a"], "marta@example.test": 7, "n": {}}'
    tree = Pencil(is_masked=True).draw(sent)

    assert [piece.name for piece in tree.pieces if piece.kind in ("leaf", "open")] == [
        "data", "holder", "name", "codes", "0", "1", "2", "3", "••••••", "n",
    ]  # fmt: skip
    assert {piece.text for piece in tree.pieces if piece.kind == "leaf"} == {"••••••", "{}"}
    assert masked_text(sent) == (
        '{"holder": {"name": ••••••}, "codes": [••••••, ••••••, ••••••, ••••••], "••••••": ••••••, "n": {}}'
    )
    assert masked_text("no json about Marta") == "••••••"
