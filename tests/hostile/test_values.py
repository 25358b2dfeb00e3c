"""Each hostile value in each place of an event: read in all of them, posted in those that are stored each in its own way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from kyc.ralio.events import MOST_FAULTS, read
from tests.hostile import promises
from tests.hostile.corpus import INVALID, PLACES, VALID, VALUES, Place, Value, event, expected

POSTED = {"envelope", "data", "checks", "reasons", "check.data", "reason.code"}


def in_places(places: list[Place], values: list[Value]) -> list[Any]:
    return [
        pytest.param(place, value, id=f"{place.name}-{value.name}")
        for place in places
        for value in values
        # An empty place in a list makes an empty list, which is JSON.
        if value.text or place.name not in {"check", "reason"}
    ]


@pytest.mark.parametrize("place", [pytest.param(place, id=place.name) for place in PLACES])
def test_it_is_read_as_promised(place: Place) -> None:
    for _, value in (param.values for param in in_places([place], VALUES)):
        reading = read(event(value, place.name))
        assert (reading.cause or "applied") == expected(value, place), value.name


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("place", "value"),
    in_places([place for place in PLACES if place.name in POSTED], VALID)
    + in_places([place for place in PLACES if place.name == "check.data"], INVALID),
)
def test_it_is_answered_and_kept_as_promised(place: Place, value: Value) -> None:
    delivery = promises.posted(event(value, place.name), expected(value, place))
    if place.name == "check.data":
        promises.leaves_no_trace_behind(delivery)


# --- More than anyone sends --------------------------------------------------------------------------
def of(place: str, items: Callable[[int], bytes], n: int) -> bytes:
    return event(Value("many", b"[" + b",".join(map(items, range(n))) + b"]", "list", 1), place)


def test_a_million_checks_without_a_type_name_only_the_first_faults() -> None:
    reading = read(of("checks", lambda number: b"{}", 1_000_000))
    assert reading.cause == "invalid"
    assert len(reading.faults) == MOST_FAULTS + 1
    assert [fault.path for fault in reading.faults[:2]] == ["data.checks[0].type", "data.checks[1].type"]


def test_a_hundred_thousand_reasons_are_read() -> None:
    event_read: Any = read(of("reasons", lambda number: b'{"code":"%d"}' % number, 100_000)).event
    assert len(event_read.codes()) == 100_000


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["checks", "reasons"])
def test_some_thousands_are_stored(place: str) -> None:
    items = {
        "checks": lambda number: b'{"type":"t%d"}' % number,
        "reasons": lambda number: b'{"code":"%d"}' % number,
    }
    delivery = promises.posted(of(place, items[place], 3000), "applied")
    assert max(delivery.n_checks, delivery.n_reasons) == 3000


def test_the_depth_of_8_mib_is_counted_in_no_time() -> None:
    started = time.process_time()
    for piece in (b"[", b'{"a":', b'["', b'[\\"', b'"[', b'"\\'):
        assert read(piece * (8 * 1024 * 1024 // len(piece))).cause == "not_json"
    assert time.process_time() - started < 20
