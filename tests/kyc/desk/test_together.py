"""What several queries answer in one statement is what each answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F, FloatField, Model, OuterRef, QuerySet, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc import folding
from kyc.desk import bodies, deciders, evidence, others, reading, story
from kyc.desk.together import Answer, Rows, Together, hand_out
from kyc.models import (
    Check,
    Correction,
    Decision,
    Delivery,
    LedgerEntry,
    Note,
    Reason,
    ReasonCode,
    RejectionReason,
    Session,
    User,
)
from tests.factories import DecisionFactory, DeliveryFactory, NoteFactory, SessionFactory, UserFactory
from tests.kyc.desk.arrivals import again, arrive, refused

pytestmark = pytest.mark.django_db
# What a text column takes on every engine.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.integers(0, 2**63 - 1)


def told(row: Any) -> Any:
    """Return all that was loaded of a row, with the types of its values."""
    if isinstance(row, tuple | list):
        return type(row), [told(value) for value in row]
    if not isinstance(row, Model):
        return type(row), row
    related = {name: told(value) for name, value in row._state.fields_cache.items()}
    loaded = {name: told(value) for name, value in vars(row).items() if name != "_state"}
    return type(row), loaded, related, row._state.db, row._state.adding


def same(*asked: QuerySet[Any, Any]) -> None:
    together = Together()
    answers = [together.add(rows) for rows in asked]
    together.ask()
    for rows, answer in zip(asked, answers, strict=True):
        assert told(answer.rows) == told(list(rows.all()))


def test_the_page_s_queries_answer_as_they_do_by_themselves(officer: User) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused(), refused("B", category="Ü☃𝄞")])
    again(session, "REJECTED", checks=[refused()])
    DecisionFactory(session=session, maker=officer, outcome="reject", codes=["B", "é\u2028\"'\\"])
    NoteFactory(session=session, by=officer, text="%s %% {} \x01\x7f\ufeff")
    known = ReasonCode.objects.filter(code__in=["NO_MATCH", "B"])
    ids = [fact.delivery for fact in folding.facts(session)]
    same(
        Session.objects.select_related("decided_by").annotate(twice=F("version") * 2),
        folding.events(session.pk),
        story.entries(session.pk),
        Correction.objects.select_related("by"),
        Decision.objects.select_related("maker", "checker", "addressee", "undone_by").order_by("id"),
        Note.objects.select_related("by"),
        session.notifications.all(),
        reading._deliveries(session.pk, None),
        bodies.records_about(session),
        others.sessions(session),
        evidence._checks(ids)[:1],
        evidence._reasons(ids),
        evidence.catalogue([code.code for code in known], session),
        deciders.people(),
        RejectionReason.objects.all(),
        Reason.objects.values_list("code", flat=True),
        Check.objects.order_by("-position").values("type", "data"),
        Delivery.objects.only("event_name"),
        User.objects.none(),
    )


@settings(max_examples=25)
@given(TEXTS, TEXTS, INSTANTS, NUMBERS, st.binary(), st.lists(TEXTS), st.booleans())
def test_every_value_survives(
    text: str, name: str, at: datetime, number: int, body: bytes, codes: list[str], flag: bool
) -> None:
    session = SessionFactory(id=uuid4(), is_disputed=False, last_event_at=at)
    delivery = DeliveryFactory(session=session, body=body, faults=codes, received_at=at, error=text)
    LedgerEntry.objects.create(chain=f"t:{uuid4()}", seq=max(number, 1), at=at, action=name, detail=text)
    User.objects.create(username=str(uuid4()), is_active=flag, first_name=name[:100], date_joined=at)
    rows = (
        Delivery.objects.filter(pk=delivery.pk).select_related("session"),
        Delivery.objects.filter(pk=delivery.pk).values_list("body", "received_at", "session_id", "faults"),
        LedgerEntry.objects.filter(action=name),
        User.objects.filter(first_name=name[:100]),
        User.objects.annotate(said=Value(text)).values_list("said", "is_active", "pk"),
    )
    same(*rows)


def test_the_instants_zone_is_the_connection_s() -> None:
    at = datetime(2026, 3, 29, 3, 30, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    SessionFactory(last_event_at=at)
    together = Together()
    found = [together.add(Session.objects.values_list("last_event_at", flat=True)) for _ in range(2)]
    together.ask()

    assert found[0].first == at and found[0].first.tzinfo is UTC


def test_rows_of_rows_are_a_column(officer: User, supervisor: User) -> None:
    roles = Group.objects.filter(user=OuterRef("pk")).values_list("name", "pk").order_by("name")
    nested = Group.objects.filter(user=OuterRef("pk"))
    people = User.objects.annotate(roles=Rows(roles), groups_too=Rows(nested)).order_by("pk")
    UserFactory(username="nobody")
    same(people, people.values_list("roles", "pk"))

    first, second, third = people
    assert [row.roles[0][0] for row in (first, second)] == ["officer", "supervisor"]
    assert first.groups_too == list(officer.groups.all()) and third.roles == []


def test_it_is_one_statement_and_none_where_nothing_can_be_found(officer: User, queries: Callable) -> None:
    together = Together()
    answers = [together.add(rows) for rows in (User.objects.all(), User.objects.none(), Note.objects.all())]
    with queries(1):
        together.ask()
    assert [len(answer.rows) for answer in answers] == [1, 0, 0]

    together = Together()
    nobody = [together.add(User.objects.none()) for _ in range(2)]
    with queries(0):
        together.ask()
        Together().ask()
    assert nobody[0].first is None


def test_nothing_is_read_before_it_was_asked() -> None:
    with pytest.raises(AssertionError):
        _ = Answer[User]().rows


def test_what_json_does_not_hold_exactly_is_refused() -> None:
    together = Together()
    for _ in range(2):
        together.add(User.objects.annotate(half=Value(0.1, output_field=FloatField())))
    with pytest.raises(TypeError, match="FloatField"):
        together.ask()


def test_related_rows_are_handed_out_as_a_prefetch_does(officer: User, queries: Callable) -> None:
    notes = [NoteFactory(by=officer) for _ in range(3)]
    sessions = list(Session.objects.filter(pk__in=[note.session_id for note in notes[:2]]))
    hand_out(sessions, "notes", notes[:1], "session_id")

    with queries(0):
        assert sorted(len(session.notes.all()) for session in sessions) == [0, 1]
    with connection.cursor():
        assert sum(session.notes.filter(by=officer).count() for session in sessions) == 2
