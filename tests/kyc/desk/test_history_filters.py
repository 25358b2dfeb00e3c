"""The history's filters, search and dates, alone and together, each with its count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from kyc.models import Session, User
from tests.kyc.desk.arrivals import arrive, found, refused

pytestmark = pytest.mark.django_db


def choice(client: Client, facet: str, value: str, query: str = "") -> Any:
    """Return one checkbox, or None where it is not offered."""
    facets = client.get(f"/rejected/?{query}").context["facets"]
    group = next((group for group in facets if group.name == facet), None)
    choices = [*group.choices, *group.rest] if group else []
    return next((choice for choice in choices if choice.value == value), None)


def test_codes_are_either_or(officer_client: Client) -> None:
    one, two, _ = (arrive("REJECTED", checks=[refused(code)]).pk for code in ("ONE", "TWO", "THREE"))

    assert found(officer_client, "reason=ONE") == {one}
    assert found(officer_client, "reason=ONE&reason=TWO") == {one, two}


def test_kinds_are_this_and_that(officer_client: Client) -> None:
    document = arrive("REJECTED", checks=[refused("ONE", category="DOC")]).pk
    arrive("REJECTED", checks=[refused("ONE", category="FACE")])
    silent = arrive("REJECTED", checks=[refused("ONE")]).pk

    assert found(officer_client, "reason=ONE&category=DOC") == {document}
    assert found(officer_client, "category=") == {silent}


def test_a_session_with_a_code_twice_is_listed_once(officer_client: Client) -> None:
    arrive("REJECTED", checks=[refused("ONE"), refused("ONE", category="DOC")])
    rows = officer_client.get("/rejected/?reason=ONE").context["rows"]

    assert len(rows) == 1
    assert choice(officer_client, "reason", "ONE").count == 1


def test_entities_and_deciders(officer_client: Client, officer: User) -> None:
    user = arrive("REJECTED").pk
    party = arrive("REJECTED", user_id=None, related_party_id=uuid4(), entityType="related-party").pk
    Session.objects.filter(pk=party).update(decided_by=officer)

    assert found(officer_client, "entity=related-party") == {party}
    assert found(officer_client, "by=ralio") == {user}
    assert found(officer_client, "by=officer&by=ralio") == {user, party}
    assert choice(officer_client, "by", "officer", "entity=related-party").count == 1


def test_a_facet_that_offers_no_choice_is_left_out(officer_client: Client) -> None:
    arrive("REJECTED")

    assert choice(officer_client, "by", "ralio") is None
    assert choice(officer_client, "entity", "unknown") is None


def test_counts_are_of_the_days_shown(officer_client: Client) -> None:
    for days in (1, 2, 20, 80):
        arrive("REJECTED", hours=24 * days, checks=[refused("ONE", category="DOC")])

    counts = {
        span: choice(officer_client, "reason", "ONE", f"days={span}").count
        for span in ("7", "30", "90", "all")
    }
    assert counts == {"7": 2, "30": 3, "90": 4, "all": 4}
    assert choice(officer_client, "category", "DOC", "days=7").count == 2


def test_reasons_without_a_code_can_be_found(officer_client: Client) -> None:
    session = arrive("REJECTED", checks=[refused("")])

    assert choice(officer_client, "reason", "").count == 1
    assert found(officer_client, "reason=") == {session.pk}


def test_what_is_chosen_is_offered_even_when_no_session_has_it(officer_client: Client) -> None:
    chosen = choice(officer_client, "reason", "NEVER", "reason=NEVER")

    assert (chosen.is_chosen, chosen.count) == (True, 0)


@pytest.mark.parametrize(
    ("query", "n"), [("", 2), ("days=7", 1), ("days=90", 3), ("days=all", 4), ("days=8", 2)]
)
def test_spans_of_days(officer_client: Client, query: str, n: int) -> None:
    for days in (1, 20, 80, 800):
        arrive("REJECTED", hours=24 * days)

    assert len(found(officer_client, query)) == n


def test_dates_are_inclusive_and_in_the_desks_zone(officer_client: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    # Half past noon in Greenwich is half past one in the night of the next day there.
    session = arrive("REJECTED", at=datetime(2026, 3, 16, 12, 30, tzinfo=UTC))

    assert found(officer_client, "from=2026-03-17&to=2026-03-17") == {session.pk}
    assert found(officer_client, "from=2026-03-15&to=2026-03-16") == set()
    assert found(officer_client, "from=2026-03-17") == {session.pk}
    assert found(officer_client, "to=2026-03-16") == set()


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "from=0001-01-01",
        "to=9999-12-31",
        "from=2026-12-01&to=2026-01-01",
        "days=-1",
        "sort=x",
        "after=x",
    ],
)
def test_an_address_with_nonsense_in_it_is_a_page(officer_client: Client, query: str) -> None:
    arrive("REJECTED")

    assert officer_client.get(f"/rejected/?{query}").status_code == 200
