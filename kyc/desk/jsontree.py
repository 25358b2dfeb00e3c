"""JSON for the eye: a tree of pieces that a template draws in one flat loop, whatever the depth.

Values stay as they were sent: numbers are their own digits and are never parsed, members keep their order, and a name
that stands twice is shown twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kyc.ralio.events import clean
from kyc.ralio.jsontext import Members, NotJson, Number, parse

# Of one tree, and of all the trees of one page.
MOST_NODES, MOST_NODES_OF_A_PAGE = 2000, 4000
# Browsers flatten elements that nest some 500 deep, and a level takes three: what lies deeper is one line of text.
DEEPEST = 60
# What opens by itself; the rest is a click away.
OPEN_LEVELS, OPEN_MEMBERS = 7, 60

# Where a fault's path goes one level down.
_STEP = re.compile(r"[.\[]")
# Letters that turn the direction of others round or that nobody sees: shown as JSON may write them.
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\x7f-\x9f]")

# What stands in place of a value that is not for its reader: as it is, like a number's digits.
HIDDEN = Number("••••••")
# How names are made. What is no such name may be a value that somebody put in a name's place.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

type Look = Literal["s", "n", "b", "m"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of drawing. `leaf` draws a line, `open` begins an object or list, `close` ends it, `rest` says what is left out.

    `missing` names a member that a fault speaks of and that was not sent; `is_hit` marks what a fault speaks of.
    """

    kind: Literal["leaf", "open", "close", "rest", "missing"]
    name: str = ""
    text: str = ""
    look: Look = "m"
    is_open: bool = False
    is_repeated: bool = False
    is_hit: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What to draw. `is_whole` is False when the tree was too large to be drawn in full; no pieces: this is not JSON."""

    pieces: list[Piece]
    n_nodes: int = 0
    is_whole: bool = True
    n_members: int | None = None


@dataclass(slots=True)
class Pencil:
    """Draws the trees of one page, the first ones first; what is drawn in all is bounded by `left`.

    One that `is_masked` draws names and shapes, and no value.
    """

    left: int = MOST_NODES_OF_A_PAGE
    is_masked: bool = False

    def draw(self, text: str | bytes, name: str = "data", hits: Hits | None = None) -> Tree:
        if not self.left:
            return Tree([Piece("rest")], is_whole=False)
        tree = draw(text, name, most=min(MOST_NODES, self.left), hits=hits, is_masked=self.is_masked)
        self.left -= tree.n_nodes
        return tree


class Hits:
    """The places in a document that faults name, as `data.checks[0].state`; the document itself is the empty place."""

    def __init__(self, places: Iterable[str] = ()) -> None:
        self.places = frozenset(places)
        # Each place under everything that holds it, with the way down to it.
        self._under: dict[str, list[tuple[str, list[str]]]] = {}
        for place in self.places - {""}:
            way = [place[: match.start()] for match in _STEP.finditer(place)]
            holders = [holder for holder in way if holder] + [place]
            for depth, holder in enumerate(["", *holders[:-1]]):
                self._under.setdefault(holder, []).append((place, holders[depth:]))

    def __contains__(self, place: str) -> bool:
        return place in self.places

    def leads_through(self, place: str) -> bool:
        return place in self._under

    def missing(self, place: str, inside: frozenset[str]) -> list[str]:
        """Return what faults name within a place and `inside`, the places it holds, does not lead to."""
        below = self._under.get(place, ())
        return sorted(hit for hit, way in below if not any(step in inside for step in way))


type Step = tuple[str, Any, int, bool, str] | Piece


def draw(
    text: str | bytes,
    name: str = "data",
    *,
    most: int = MOST_NODES,
    hits: Hits | None = None,
    is_masked: bool = False,
) -> Tree:
    """Return the tree of a JSON text under a name. Total: what is not JSON gives a tree without pieces."""
    try:
        value = parse(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    except NotJson:
        return Tree([])
    if is_masked:
        value = hidden(value)
    pieces: list[Piece] = []
    n_nodes = 0
    hits = hits or Hits()
    waiting: list[Iterator[Step]] = [iter([(name, value, 0, False, "")])]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
        elif isinstance(step, Piece):
            pieces.append(step)
        elif n_nodes >= most:
            waiting[-1] = _rest(waiting[-1])
        else:
            n_nodes += 1
            _draw_one(step, pieces, waiting, hits)
    return Tree(pieces, n_nodes, not any(piece.kind == "rest" for piece in pieces), _size(value))


def hidden(value: Any) -> Any:
    """Return a `jsontext` value with its names and its shape, where HIDDEN stands for each value."""
    if isinstance(value, Members):
        return Members([(_hidden_name(name), hidden(item)) for name, item in value.pairs])
    if isinstance(value, list):
        return [hidden(item) for item in value]
    return HIDDEN


def _hidden_name(name: str) -> str:
    return name if _NAME.fullmatch(name) else str(HIDDEN)


def flat(value: Any) -> str:
    """Return a `jsontext` value as one line of text; a string without its quotes."""
    if isinstance(value, str):
        return clean(str(value))
    return clean(_line(value))


def line(text: str, *, is_bare: bool = False) -> str:
    """Return a JSON text on one line, its letters unescaped; `is_bare`: a string without its quotes. Others stay as they are."""
    try:
        value = parse(text.encode("utf-8", "surrogatepass"))
    except NotJson:
        return clean(text)
    return flat(value) if is_bare else clean(_line(value))


def _draw_one(
    step: tuple[str, Any, int, bool, str], pieces: list[Piece], waiting: list[Iterator[Step]], hits: Hits
) -> None:
    name, value, depth, is_repeated, place = step
    is_hit = place in hits
    size = _size(value)
    leads_on = hits.leads_through(place) and isinstance(value, Members | list)
    if (not size and not leads_on) or depth >= DEEPEST:
        text = clean(_line(value))
        pieces.append(Piece("leaf", clean(name), text, _look(value), is_repeated=is_repeated, is_hit=is_hit))
        return
    is_open = leads_on or (depth < OPEN_LEVELS and (size or 0) <= OPEN_MEMBERS)
    count = f"{{{size}}}" if isinstance(value, Members) else f"[{size}]"
    pieces.append(Piece("open", clean(name), count, is_open=is_open, is_repeated=is_repeated, is_hit=is_hit))
    waiting.append(_inside(value, depth + 1, place, hits))


def _inside(value: Members | list[Any], depth: int, place: str, hits: Hits) -> Iterator[Step]:
    """Yield what stands in an object or list, then what faults miss in it."""
    inside = []
    if isinstance(value, Members):
        repeated = set(value.repeated())
        for name, item in value.pairs:
            inside.append(f"{place}.{clean(name)}" if place else clean(name))
            yield name, item, depth, name in repeated, inside[-1]
    else:
        for index, item in enumerate(value):
            inside.append(f"{place}[{index}]")
            yield str(index), item, depth, False, inside[-1]
    if hits.leads_through(place):
        for hit in hits.missing(place, frozenset(inside)):
            yield Piece("missing", hit[len(place) :].lstrip("."), is_hit=True)
    yield Piece("close")


def _rest(steps: Iterator[Step]) -> Iterator[Step]:
    """Yield what ends a container whose members do not fit any more."""
    left = list(steps)
    ends = [step for step in left if isinstance(step, Piece)]
    yield Piece("rest", text=f"{1 + len(left) - len(ends):,}")
    yield from ends


def _size(value: Any) -> int | None:
    if isinstance(value, Members):
        return len(value.pairs)
    return len(value) if isinstance(value, list) else None


def _look(value: Any) -> Look:
    if value is HIDDEN:
        return "m"
    if isinstance(value, Number):
        return "n"
    if isinstance(value, str):
        return "s"
    return "m" if isinstance(value, Members | list) else "b"


def _line(value: Any) -> str:
    """Return a value as JSON on one line, with its letters as they are. The parser bounds the depth."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _UNSEEN.sub(
            lambda letter: f"\\u{ord(letter[0]):04x}", json.dumps(clean(value), ensure_ascii=False)
        )
    if isinstance(value, Members):
        return "{" + ", ".join([f"{_line(name)}: {_line(item)}" for name, item in value.pairs]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_line(item) for item in value]) + "]"
    return {None: "null", True: "true", False: "false"}[value]
