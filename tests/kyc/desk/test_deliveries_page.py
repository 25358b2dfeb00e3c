"""The deliveries as a page: every outcome in words, what we answered, views with counts, and why one is empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kyc.choices import RefusalCause
from kyc.models import Delivery, InboxAlarm
from kyc.refusals import refuse
from tests import wire
from tests.factories import DeliveryFactory
from tests.kyc.desk.arrivals import again, arrive, in_order
from tests.kyc.desk.parcels import FAULT, broken, failed, html, mended, post, refused, shown

pytestmark = pytest.mark.django_db
PAGE = reverse("deliveries")


def line(client: Client, row: Delivery, query: str = "") -> str:
    """Return the row's own part of the page, its white space as single spaces."""
    page = html(client, f"{PAGE}?{query}")
    return " ".join(page.split(f'id="s-{row.pk}"')[1].split("</tr>")[0].split())


def test_each_outcome_says_what_became_of_it(supervisor_client: Client) -> None:
    applied, record, ignored = post(), post("kyc_state_updated"), post("payin_completed")
    unreadable, ours = broken(), failed()

    assert in_order(
        line(supervisor_client, applied), "Applied", "says REJECTED of", str(applied.session_id)[:8]
    )
    assert in_order(line(supervisor_client, record), "Recorded", "about user", str(record.user_id)[:8])
    assert in_order(line(supervisor_client, ignored), "Ignored", "Its body is not kept.")
    faulty = line(supervisor_client, unreadable)
    assert in_order(
        faulty, "Quarantined", "No event name", ">id</code>", "This is not a UUID.", "And 3 more faults."
    )
    assert in_order(line(supervisor_client, ours), "Failed", "RuntimeError at folding.py:1", "Next try")


def test_the_newest_come_first(supervisor_client: Client) -> None:
    first, second = post(), broken()

    assert shown(supervisor_client) == [second.pk, first.pk]


def test_a_delivery_that_a_newer_event_took_the_place_of_is_superseded(supervisor_client: Client) -> None:
    session = arrive("REVIEW", hours=3)
    again(session, "VERIFIED", hours=2)
    old, new = session.deliveries.order_by("pk")

    assert "Superseded" in line(supervisor_client, old)
    assert "Superseded" not in line(supervisor_client, new)


def test_of_one_instant_the_event_that_the_fold_prefers_is_not_superseded(supervisor_client: Client) -> None:
    session = arrive("REVIEW")
    again(session, "REJECTED", at=session.last_event_at)
    again(session, "EXPIRED", at=session.last_event_at)
    review, rejected, expired = session.deliveries.order_by("pk")

    superseded = ["Superseded" in line(supervisor_client, row) for row in (review, rejected, expired)]
    assert superseded == [True, False, True]


def test_an_older_event_whose_checks_are_the_newest_is_not_superseded(supervisor_client: Client) -> None:
    session = arrive("REVIEW", hours=3, checks=[{"type": "a", "state": 1}])
    again(session, "EXPIRED", hours=2)

    assert "Superseded" not in line(supervisor_client, session.deliveries.earliest("pk"))


@pytest.mark.parametrize(
    ("make", "answered"),
    [
        (post, "answered 200"),
        (broken, "answered 400"),
        (failed, "answered 200"),
        (lambda: DeliveryFactory(source="api"), "we asked"),
        (lambda: DeliveryFactory(n_replays=1), "replayed since"),
    ],
)
def test_a_row_says_what_we_answered(supervisor_client: Client, make: Callable, answered: str) -> None:
    assert answered in line(supervisor_client, make())


def test_a_conflict_was_answered_200(supervisor_client: Client) -> None:
    first = post()
    conflict = post(event_id=first.event_id)

    assert in_order(
        line(supervisor_client, conflict), "Quarantined", "came before with another content", "200"
    )


def test_a_delivery_that_was_refused_first_was_answered_401(supervisor_client: Client) -> None:
    row, request = post(), refused()
    request.delivery = row
    request.save()

    assert "answered 401" in line(supervisor_client, row)


def test_refused_requests_have_a_view_of_their_own(supervisor_client: Client) -> None:
    wrong = refused()
    large = refuse(RefusalCause.TOO_LARGE, {}, n_bytes=10**8)
    page = html(supervisor_client, f"{PAGE}?status=refused")

    assert shown(supervisor_client, "status=refused") == [large.pk, wrong.pk]
    assert in_order(
        page, "Too large", "100,000,000 bytes, not kept", "answered 413", "Signature wrong", "answered 401"
    )


def test_views_are_counted_and_those_that_wait_are_red(supervisor_client: Client) -> None:
    post(), post("payin_completed"), broken(), refused()
    page = html(supervisor_client, PAGE)

    assert 'aria-current="page">All <span class="tabs__n">3</span>' in page
    assert 'Quarantined <span class="tabs__n tabs__n--red">1</span>' in page
    assert 'Failed <span class="tabs__n">0</span>' in page
    assert 'Refused requests <span class="tabs__n">1</span>' in page
    assert "<title>Deliveries (3) · KYC Desk</title>" in page


def test_what_came_more_than_once_is_marked_and_has_a_view(supervisor_client: Client) -> None:
    event = wire.payload("kyc_session_failed")
    for _ in range(3):
        wire.post(event)
    row = post()

    assert "3 times" in line(supervisor_client, Delivery.objects.earliest("pk"))
    assert row.pk not in shown(supervisor_client, "status=repeats")


def test_what_ralio_s_api_said_is_marked_and_has_a_view(supervisor_client: Client) -> None:
    post()
    asked = DeliveryFactory(source="api")

    assert shown(supervisor_client, "status=api") == [asked.pk]
    assert "Ralio’s API" in line(supervisor_client, asked)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Ralio has not delivered anything yet"),
        ("status=quarantined", "Nothing is quarantined"),
        ("status=failed", "Nothing has failed"),
        ("status=repeats", "Nothing came twice"),
        ("status=api", "Nothing was asked of Ralio’s API"),
        ("status=refused", "No request was refused"),
        ("status=applied", "Nothing stands here yet"),
        ("event=x", "Nothing matches these filters"),
        ("q=12345678", "No delivery has this ID"),
        ("q=payin", "This is no ID and no digest"),
    ],
)
def test_an_empty_list_says_why(supervisor_client: Client, query: str, words: str) -> None:
    assert words in html(supervisor_client, f"{PAGE}?{query}")


def test_what_the_inbox_is_unwell_about_stands_above_the_list(supervisor_client: Client) -> None:
    InboxAlarm.objects.create(
        kind="failed", detail={"value": "3 waiting", "says": "Three wait.", "advice": "Look."}
    )
    page = html(supervisor_client, PAGE)

    assert in_order(page, "Failed deliveries: 3 waiting", "Three wait. Look.", 'aria-label="Views"')


def test_the_health_of_the_inbox_is_a_strip_and_a_page(supervisor_client: Client) -> None:
    broken()
    strip = html(supervisor_client, reverse("deliveries-health"), **{"HX-Request": "true"})
    page = html(supervisor_client, reverse("deliveries-health"))

    assert in_order(strip, "Silence", "Quarantined deliveries", "1 waiting", "well", "Unwell when")
    assert "<html" not in strip and "<h1>Health of the inbox</h1>" in page


def test_text_from_the_wire_stays_text(supervisor_client: Client) -> None:
    mended()
    Delivery.objects.update(
        event_name="<script>alert(1)</script>", faults=[{**FAULT, "path": "<b>" + "x" * 9000}]
    )
    page = html(supervisor_client, PAGE)

    assert "<script>alert" not in page and "<b>x" not in page
    assert "more characters" in page


def test_the_queries_do_not_grow_with_the_list(supervisor_client: Client, queries: Callable) -> None:
    post()
    with queries(9):  # two for the sign-in, the permissions and the role; seven are the page's own
        html(supervisor_client, PAGE)
    for n in range(55):
        arrive("REVIEW", hours=n)
    with queries(9):
        assert len(shown(supervisor_client)) == 50
    with queries(10):  # where a filter sieves the rows, one more tells how far back it looks
        shown(supervisor_client, "status=applied&event=kyc_session_manual_review&from=2020-01-01")
    with queries(6):
        shown(supervisor_client, "status=refused&from=2020-01-01")
