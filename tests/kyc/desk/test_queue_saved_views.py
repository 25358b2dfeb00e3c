"""A person's own views: saved from the filters that are open, counted, opened, deleted, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from kyc.models import SavedView, Session, User
from tests.conftest import signed_in
from tests.factories import SavedViewFactory, UserFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import queue

Review = Callable[..., Session]
SAVE = "/queue/views/"


def test_it_is_offered_once_the_filters_differ_from_the_view(officer_client: Client, review: Review) -> None:
    for query in ("", "view=mine", "sla=overdue", "sort=due", "q=A"):
        assert "Save view" not in queue(officer_client, query)
    for query in ("reason=A", "view=mine&reason=A", "sort=newest", "sla=ok"):
        assert "Save view" in queue(officer_client, query)


def test_it_is_kept_in_one_way_of_writing(officer_client: Client, officer: User) -> None:
    said = "reason=B&after=x&reason=A&sort=due&q=zzz&nonsense=1&view=free&assignee=me"
    answer = officer_client.post(SAVE, {"name": "  My   view ", "from": said})
    view = SavedView.objects.get()

    assert (view.owner, view.name) == (officer, "My view")
    assert view.query == "view=free&assignee=me&reason=A&reason=B"
    assert answer.url == f"/queue/?{view.query}"


def test_it_is_a_tab_with_a_count(officer_client: Client, officer: User, review: Review) -> None:
    review(checks=[check("A")]), review(checks=[check("B")])
    view = SavedViewFactory(owner=officer, name="Only A", query="reason=A")

    assert 'href="/queue/?reason=A">Only A <span class="tabs__n">1</span>' in queue(officer_client)
    page = queue(officer_client, "sort=due&reason=A")
    assert 'href="/queue/?reason=A" aria-current="page">Only A ' in page
    assert f'action="/queue/views/{view.pk}/delete/"' in page
    assert "Only A" not in queue(signed_in(UserFactory(role="officer")))


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("  ", "reason=B", "Give the view a name."),
        ("x" * 41, "reason=B", "Use at most 40 characters. You have 41."),
        ("Only A", "reason=B", "You have a view called Only A already."),
        ("Other", "reason=A", "You have saved these filters already, as Only A."),
        ("Other", "sort=due&after=x", "there is nothing to save"),
    ],
)
def test_what_can_not_be_saved_is_said_beside_what_was_typed(
    officer_client: Client, officer: User, name: str, query: str, words: str
) -> None:
    SavedViewFactory(owner=officer, name="Only A", query="reason=A")
    answer = officer_client.post(SAVE, {"name": name, "from": query})

    assert answer.status_code == 422
    assert words in answer.content.decode() and f'value="{name.strip()}"' in answer.content.decode()
    assert SavedView.objects.count() == 1


def test_a_person_has_eight_at_most(officer_client: Client, officer: User) -> None:
    for n in range(8):
        SavedViewFactory(owner=officer, name=f"View {n}", query=f"reason={n}")
    SavedViewFactory(name="View 0", query="reason=0")

    assert "You have 8 views" in officer_client.post(SAVE, {"name": "A", "from": "reason=A"}).content.decode()
    assert officer.saved_views.count() == 8


def test_two_people_use_one_name(officer_client: Client, officer: User) -> None:
    SavedViewFactory(name="Only A", query="reason=A")
    officer_client.post(SAVE, {"name": "Only A", "from": "reason=A"})

    assert officer.saved_views.get().name == "Only A"


def test_one_s_own_is_deleted_and_nobody_else_s(officer_client: Client, officer: User) -> None:
    own, foreign = SavedViewFactory(owner=officer), SavedViewFactory()

    assert officer_client.post(f"/queue/views/{foreign.pk}/delete/").status_code == 404
    assert officer_client.get(f"/queue/views/{own.pk}/delete/").status_code == 405
    officer_client.post(f"/queue/views/{own.pk}/delete/")
    assert list(SavedView.objects.all()) == [foreign]


def test_views_are_for_people_who_see_the_queue(outsider_client: Client, db: None) -> None:
    assert outsider_client.post(SAVE, {"name": "A", "from": "reason=A"}).status_code == 403
    assert Client().post(SAVE).status_code == 302
