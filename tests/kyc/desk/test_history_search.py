"""The history's search: an ID opens or lists, the beginning of one filters, and so does a reason code."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.kyc.desk.arrivals import arrive, found, refused

pytestmark = pytest.mark.django_db


def test_an_id_opens_its_session_and_a_prefix_filters_whatever_the_days(officer_client: Client) -> None:
    session = arrive("REJECTED", hours=24 * 300)
    arrive("REJECTED")

    assert officer_client.get(f"/rejected/?q={session.pk}")["Location"] == f"/sessions/{session.pk}/"
    assert officer_client.get(f"/rejected/?q={session.user_id}")["Location"] == f"/sessions/{session.pk}/"
    assert found(officer_client, f"q={str(session.pk)[:8]}") == {session.pk}
    assert found(officer_client, f"q={str(session.user_id)[:13]}") == {session.pk}


def test_a_subject_with_several_sessions_is_listed_with_the_rejected_ones(officer_client: Client) -> None:
    one = arrive("REJECTED", hours=2000)
    two = arrive("REJECTED", user_id=one.user_id)
    arrive("VERIFIED", user_id=one.user_id)

    assert found(officer_client, f"q={one.user_id}") == {one.pk, two.pk}


def test_a_code_is_searched_in_any_case_and_besides_the_filters(officer_client: Client) -> None:
    both = arrive("REJECTED", checks=[refused("ONE"), refused("TWO")]).pk
    arrive("REJECTED", checks=[refused("ONE")])
    arrive("REJECTED", checks=[refused("TWO")])

    assert len(found(officer_client, "q=one")) == 2
    assert found(officer_client, "q=one&reason=TWO") == {both}


@pytest.mark.parametrize(
    ("text", "words"), [("nothing", "Nothing matches"), ("0" * 8, "No rejected session has")]
)
def test_a_search_that_finds_nothing_says_why(officer_client: Client, text: str, words: str) -> None:
    arrive("REJECTED")

    assert words in officer_client.get(f"/rejected/?q={text}").content.decode()
