"""The queue's views: whose a session is and what it waits for, with counts, by address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kyc import folding, review
from kyc.models import Session, User
from kyc.review import Seen
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]
WORDS = "Two captures compared, they are of two people."


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def seen(session: Session) -> Seen:
    session.refresh_from_db()
    return Seen(session.version, folding.basis(session))


@pytest.fixture(name="arrive")
def _arrive(request: pytest.FixtureRequest) -> Review:
    """The fixture `review`, whose name is the module's here."""
    arrive: Review = request.getfixturevalue("review")
    return arrive


@pytest.fixture
def known(officer: User, colleague: User, arrive: Review) -> dict[str, str]:
    """One session for each thing that a session can wait for, the most urgent first, by name."""
    return {str(session.pk): name for name, session in made(officer, colleague, arrive).items()}


def made(officer: User, colleague: User, arrive: Review) -> dict[str, Session]:
    names = ("held", "mine", "escalated", "asleep", "proposed", "second", "free", "over")
    found = {name: arrive(30 - n, checks=[check("A")]) for n, name in enumerate(names)}
    review.claim(found["held"].pk, by=colleague)
    review.claim(found["mine"].pk, by=officer)
    review.escalate(found["escalated"].pk, by=officer, seen=seen(found["escalated"]), rationale=WORDS)
    until = timezone.now() + timedelta(days=60)
    review.wait(found["asleep"].pk, by=officer, seen=seen(found["asleep"]), until=until, rationale=WORDS)
    review.approve(found["proposed"].pk, by=colleague, seen=seen(found["proposed"]), rationale=WORDS)
    review.ask_second_review(found["second"].pk, by=colleague, seen=seen(found["second"]), rationale=WORDS)
    # Who decides claims; only the named ones are to be held.
    held = [found[name].pk for name in ("held", "mine")]
    Session.objects.exclude(pk__in=held).update(assignee=None, claimed_until=None)
    review.claim(found["over"].pk, by=colleague)
    Session.objects.filter(pk=found["over"].pk).update(claimed_until=timezone.now())
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("view=mine", "mine"),
        ("view=free", "second free over"),
        ("view=supervisors", "escalated"),
        ("view=second", "proposed"),
        ("view=waiting", "asleep"),
        ("assignee=me", "mine"),
        ("assignee=none&view=waiting", "asleep"),
        ("assignee=me&assignee=none&sla=overdue&view=mine", "mine"),
        ("assignee=99999999", ""),
        ("view=nonsense&assignee=nonsense&assignee=%C2%B2&sla=overdue&view=mine", "mine"),
    ],
)
def test_a_view_holds_what_its_name_says(
    officer_client: Client, known: dict[str, str], query: str, expected: str
) -> None:
    shown = [known[pk] for pk in ids(queue(officer_client, query))]

    assert sorted(shown, key=list(known.values()).index) == expected.split()


def test_a_supervisor_may_claim_what_waits_for_supervisors(
    supervisor_client: Client, known: dict[str, str]
) -> None:
    shown = {known[pk] for pk in ids(queue(supervisor_client, "view=free"))}

    assert shown == {"escalated", "second", "free", "over"}
    assert ids(queue(supervisor_client, "view=mine")) == []


def test_each_view_is_counted(officer_client: Client, known: dict[str, str]) -> None:
    page = queue(officer_client)
    tabs = dict(re.findall(r"<a [^>]*>([\w ]+) <span class=\"tabs__n[^>]*>(\d+)<", page))

    assert tabs["All in review"] == "8"
    assert (tabs["Mine"], tabs["Free"], tabs["For supervisors"]) == ("1", "3", "1")
    assert (tabs["Awaiting second review"], tabs["Waiting"], tabs["To enter at Ralio"]) == ("1", "1", "0")


@pytest.mark.parametrize(
    ("view", "title"),
    [("mine", "Mine"), ("free", "Free"), ("second", "Awaiting second review"), ("waiting", "Waiting")],
)
def test_the_view_that_is_open_is_marked(
    officer_client: Client, known: dict[str, str], view: str, title: str
) -> None:
    assert f'aria-current="page">{title} ' in queue(officer_client, f"view={view}")
    assert f'aria-current="page">{title} ' in queue(officer_client, f"view={view}&reason=A")


def test_the_filters_keep_the_view(officer_client: Client, known: dict[str, str]) -> None:
    page = queue(officer_client, "view=free&reason=NONE")

    assert '<input type="hidden" name="view" value="free">' in page
    assert "No session of this view matches these filters" in page
    assert 'href="/queue/?view=free">Clear filters' in page


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("mine", "You hold no session"),
        ("free", "Nothing is left to claim"),
        ("supervisors", "Nothing waits for supervisors"),
        ("second", "No decision waits for a second person"),
        ("waiting", "No session waits for a date"),
    ],
)
def test_an_empty_view_says_what_it_would_hold(
    officer_client: Client, colleague: User, arrive: Review, view: str, words: str
) -> None:
    review.claim(arrive().pk, by=colleague)

    assert words in queue(officer_client, f"view={view}")


def test_people_who_hold_something_are_offered_with_counts(
    officer_client: Client, colleague: User, known: dict[str, str]
) -> None:
    page = officer_client.get("/queue/", {"assignee": colleague.pk})
    (chip,) = [chip for chip in page.context["chips"] if chip.name == "assignee"]

    assert [(choice.label, choice.note) for choice in chip.choices] == [
        ("Unassigned", "6"),
        ("You", "1"),
        ("officer.b", "1"),
    ]
    assert [known[pk] for pk in ids(page.content.decode())] == ["held"]
    assert 'Assignee: <b class="chipbtn__value">officer.b</b>' in page.content.decode()


def test_whoever_lost_the_role_holds_nothing(
    officer_client: Client, colleague: User, known: dict[str, str]
) -> None:
    colleague.groups.clear()
    page = officer_client.get("/queue/", {"assignee": colleague.pk})

    assert ids(page.content.decode()) == []
    assert "held" in {known[pk] for pk in ids(queue(signed_in(UserFactory(role="officer")), "view=free"))}
