"""What differs between two sets of checks: nothing where they are equal, the same whichever way it is looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.choices import CheckState
from kyc.desk.differences import LONG, NOT_SENT, Difference, Member, Snapshot, differences

REFUSED, VALIDATED = CheckState.REFUSED, CheckState.VALIDATED
VALUES = st.sampled_from([None, True, 0.61, 1, "a", "x" * 40, [1], {"b": 2}])
DATA = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3).map(json.dumps) | st.sampled_from(
    ["", "[]"]
)
CHECKS = st.builds(
    Snapshot,
    position=st.just(0),
    type=st.sampled_from(["face", "document", "liveness"]),
    state=st.sampled_from(CheckState),
    reasons=st.lists(st.sampled_from(["ONE", "TWO"]), max_size=2).map(tuple),
    data=DATA,
)
SETS = st.lists(CHECKS, max_size=5).map(lambda checks: [replace(c, position=n) for n, c in enumerate(checks)])


def face(state: CheckState = REFUSED, *reasons: str, position: int = 0, **data: Any) -> Snapshot:
    return Snapshot(position, "face", state, reasons, json.dumps(data) if data else "")


def mirrored(change: Difference) -> Difference:
    """Return the change as it is from the other side."""
    members = change.members and tuple(Member(m.name, m.after, m.before) for m in change.members)
    return Difference(
        change.type, change.after, change.before, change.reasons_removed, change.reasons_added, members
    )


def unordered(changes: list[Difference]) -> set[Any]:
    return {replace(change, members=frozenset(change.members or ())) for change in changes}  # type: ignore[arg-type]


@given(SETS, st.randoms())
@settings(max_examples=60)
def test_equal_sets_give_none_in_any_order(checks: list[Snapshot], rng: Any) -> None:
    again = rng.sample(checks, len(checks))
    assert differences(checks, [replace(check, position=n) for n, check in enumerate(again)]) == []


@given(SETS, SETS, st.randoms())
@settings(max_examples=60)
def test_the_order_in_which_checks_are_given_does_not_matter(
    before: list[Snapshot], after: list[Snapshot], rng: Any
) -> None:
    shuffled = (rng.sample(side, len(side)) for side in (before, after))
    assert differences(*shuffled) == differences(before, after)


@given(SETS, SETS)
@settings(max_examples=60)
def test_it_is_the_same_from_the_other_side(before: list[Snapshot], after: list[Snapshot]) -> None:
    there, back = differences(before, after), differences(after, before)
    assert unordered([mirrored(change) for change in back]) == unordered(there)
    assert len(there) == len(back)


@given(SETS, SETS)
@settings(max_examples=60)
def test_every_difference_says_something(before: list[Snapshot], after: list[Snapshot]) -> None:
    for change in differences(before, after):
        assert (
            not change.is_kept
            or change.is_state_changed
            or change.members
            or change.reasons_added
            or change.reasons_removed
        )


def test_a_check_that_turned_says_so_with_its_reasons_and_data() -> None:
    (change,) = differences([face(REFUSED, "LOW", score=0.61, at=1)], [face(VALIDATED, score=0.93, at=1)])

    assert (change.before, change.after, change.is_state_changed) == (REFUSED, VALIDATED, True)
    assert (change.reasons_added, change.reasons_removed) == ((), ("LOW",))
    assert change.members == (Member("score", "0.61", "0.93"),)


def test_checks_come_and_go() -> None:
    document = Snapshot(0, "document", VALIDATED)
    new, gone = differences([face(REFUSED, "LOW")], [document])

    assert (new.type, new.before, new.after) == ("document", None, VALIDATED)
    assert (gone.type, gone.before, gone.after, gone.reasons_removed) == ("face", REFUSED, None, ("LOW",))


def test_of_one_type_the_equal_ones_are_matched_first_and_then_by_position() -> None:
    before = [face(REFUSED, position=0), face(VALIDATED, position=1)]
    after = [face(VALIDATED, position=0), face(REFUSED, "NEW", position=1)]
    (change,) = differences(before, after)

    assert (change.before, change.after, change.reasons_added) == (REFUSED, REFUSED, ("NEW",))


def test_values_are_short_and_numbers_as_written() -> None:
    before, after = '{"n": 1.50, "same": 1}', json.dumps({"same": 1, "n": 1.5, "text": "x" * 100})
    (change,) = differences([replace(face(), data=before)], [replace(face(), data=after)])

    assert change.members == (Member("n", "1.50", "1.5"), Member("text", NOT_SENT, LONG))


def test_data_that_is_no_object_is_compared_as_a_whole() -> None:
    (change,) = differences([replace(face(), data='{"": 5}')], [replace(face(), data="5")])

    assert change.members == (Member("", '{"": 5}', "5"),)


def test_data_too_long_to_be_read_is_told_by_its_digest() -> None:
    long = replace(face(), digest="one")

    assert differences([long], [replace(long, position=3)]) == []
    (change,) = differences([long], [replace(long, digest="two")])
    assert change.members is None
    assert differences([long], [face(a=1)])[0].members is None
