"""The queue as a page: numbers, views, menus, pages, and why it is empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from kyc.choices import FacetKind
from kyc.desk.facets import menus
from kyc.models import Session
from tests import wire
from tests.factories import QueueFacetFactory, SessionFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]


def test_the_numbers_above_the_queue(officer_client: Client, review: Review, party_review: Review) -> None:
    review(30), review(22), party_review(2)
    page = queue(officer_client)

    assert "<title>Review queue (3) · KYC Desk</title>" in page
    assert "1 overdue, 1 due within 4h, 1 on time" in page
    assert "<b>1d 6h</b>" in page
    assert 'Related parties <span class="tabs__n">1</span>' in page
    assert 'Overdue <span class="tabs__n tabs__n--red">1</span>' in page


@pytest.mark.parametrize(
    ("query", "current"),
    [
        ("", "All in review"),
        ("reason=A", "All in review"),
        ("sla=overdue&reason=A", "Overdue"),
        ("sla=soon", "Due soon"),
        ("entity=related-party", "Related parties"),
    ],
)
def test_the_view_that_is_open_is_marked(officer_client: Client, query: str, current: str) -> None:
    page = queue(officer_client, query)

    assert page.count('aria-current="page"') == 2
    assert f'aria-current="page">{current} ' in page


def test_menus_hold_what_the_queue_holds_with_counts(review: Review) -> None:
    review(checks=[check("A", category="DOC"), check("B", type="liveness")])
    review(checks=[check("B")])
    found = menus({FacetKind.CODE: ["A", "GONE"]})
    codes = [(option.value, option.count, option.is_chosen) for option in found[FacetKind.CODE].options]

    assert codes == [("A", 1, True), ("GONE", 0, True), ("B", 2, False)]
    assert {option.value for option in found[FacetKind.CATEGORY].options} == {"", "DOC"}
    assert [option.value for option in found[FacetKind.ENTITY].options] == ["user"]


def test_a_menu_with_too_many_options_says_that_there_are_more(
    officer_client: Client, queries: Callable
) -> None:
    session = SessionFactory()
    for n in range(60):
        QueueFacetFactory(session=session, value=f"CODE_{n}")
    with queries(1):
        found = menus({})[FacetKind.CODE]

    assert (len(found.options), found.has_more) == (50, True)
    assert "The search field finds any code." in queue(officer_client)


def test_counts_in_menus_are_capped(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    QueueFacetFactory.create_batch(1005)

    assert menus({})[FacetKind.CODE].options[0].count == 1001


def test_the_queue_is_paged(officer_client: Client, db: None) -> None:
    SessionFactory.create_batch(55)
    first = officer_client.get("/queue/?sort=refused")
    second = officer_client.get(f"/queue/?{first.context['page'].next}")
    shown = ids(first.content.decode()), ids(second.content.decode())

    assert [len(page) for page in shown] == [50, 5]
    assert len({*shown[0], *shown[1]}) == 55
    assert 'rel="prev"' in second.content.decode() and 'rel="next"' not in second.content.decode()


def test_an_empty_queue_says_that_deliveries_still_arrive(officer_client: Client, db: None) -> None:
    assert "Ralio has not delivered anything yet." in queue(officer_client)
    wire.post(wire.payload("kyc_session_verified"))
    page = queue(officer_client)

    assert "Nothing waits for review" in page
    assert "Deliveries still arrive: the last one came under 1m ago." in page


def test_filters_that_let_nothing_through_offer_to_clear_them(officer_client: Client, review: Review) -> None:
    review()
    page = queue(officer_client, "reason=NONE")

    assert "No session matches these filters" in page
    assert "1 session is in review." in page
    assert "Clear filters" in page
