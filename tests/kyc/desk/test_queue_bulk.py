"""One act on the ticked sessions: each for itself, each with its words, and never a decision."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from django.test import Client

from kyc import ledger
from kyc.choices import SessionState
from kyc.models import LedgerEntry, Session, User
from kyc.review import claim
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import queue

Review = Callable[..., Session]
BULK = "/queue/bulk/"
WORDS = "Two captures compared, they are of two people."


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


@pytest.fixture
def two(review: Review) -> list[Session]:
    return [review(3), review(2)]


def holders(*sessions: Session) -> list[User | None]:
    found = Session.objects.select_related("assignee").in_bulk([session.pk for session in sessions])
    return [found[session.pk].assignee for session in sessions]


def act(client: Client, name: str, sessions: list[Session], **more: object) -> str:
    form = {"act": name, "s": [session.pk for session in sessions], **more}
    return client.post(BULK, form, follow=True).content.decode()


def test_each_session_has_its_line(
    officer_client: Client, officer: User, colleague: User, two: list[Session]
) -> None:
    claim(two[0].pk, by=colleague)
    page = act(officer_client, "claim", two, **{"from": "sort=newest"})

    assert "<h1>1 of 2 sessions claimed</h1>" in page
    assert "<b>not claimed.</b> officer.b holds this session." in page
    assert (
        f'href="/sessions/{two[1].pk}/?from=sort%3Dnewest"' in page and 'href="/queue/?sort=newest"' in page
    )
    assert holders(*two) == [colleague, officer]


def test_what_is_held_is_released(officer_client: Client, officer: User, two: list[Session]) -> None:
    for session in two:
        claim(session.pk, by=officer)
    act(officer_client, "release", two)

    assert holders(*two) == [None, None]


def test_a_supervisor_assigns(supervisor_client: Client, colleague: User, two: list[Session]) -> None:
    assert f'<option value="{colleague.pk}">officer.b</option>' in queue(supervisor_client)
    page = act(supervisor_client, "assign", two, to=colleague.pk)

    assert "2 of 2 sessions assigned to officer.b" in page
    assert holders(*two) == [colleague, colleague]


@pytest.mark.parametrize("to", ["", "0", "nobody", "²"])
def test_an_assignment_without_a_person_asks_again(
    supervisor_client: Client, two: list[Session], to: str
) -> None:
    page = act(supervisor_client, "assign", two, to=to)

    assert "Choose who gets these sessions." in page
    assert page.count('name="s"') == 2
    assert holders(*two) == [None, None]


def test_sessions_are_escalated_with_a_rationale(officer_client: Client, two: list[Session]) -> None:
    page = act(officer_client, "escalate", two, rationale=WORDS)

    assert "2 of 2 sessions escalated" in page
    assert Session.objects.filter(escalated_at__isnull=False).count() == 2
    assert WORDS not in "".join(LedgerEntry.objects.values_list("detail", flat=True))


def test_a_short_rationale_is_kept_and_asked_for_again(officer_client: Client, two: list[Session]) -> None:
    page = act(officer_client, "escalate", two, rationale="Too <short>")

    assert "Write at least 20 characters. You have 11." in page
    assert "Too &lt;short&gt;</textarea>" in page
    assert page.count('name="s"') == 2
    assert not Session.objects.filter(escalated_at__isnull=False).exists()


@pytest.mark.parametrize("name", ["approve", "reject", "", "CLAIM"])
def test_nothing_is_decided_for_many(officer_client: Client, two: list[Session], name: str) -> None:
    page = act(officer_client, name, two, rationale=WORDS, codes="NO_MATCH")

    assert "Choose what to do" in page
    assert set(Session.objects.values_list("state", flat=True)) == {SessionState.REVIEW}


def test_nothing_ticked_is_said(officer_client: Client, review: Review) -> None:
    review()

    assert "Tick at least one session first." in act(officer_client, "claim", [])
    assert officer_client.post(BULK, {"act": "claim", "s": ["x", ""]}).status_code == 302


@pytest.mark.parametrize(
    ("role", "name"), [("officer", "assign"), ("auditor", "claim"), ("admin", "escalate")]
)
def test_each_act_is_for_its_role(two: list[Session], colleague: User, role: str, name: str) -> None:
    client = signed_in(UserFactory(role=role))
    form = {"act": name, "s": [two[0].pk], "to": colleague.pk, "rationale": WORDS}

    assert client.post(BULK, form).status_code == 403
    assert client.get(BULK).status_code == 405
    assert holders(*two) == [None, None]


def test_ticked_sessions_are_exported(officer_client: Client, officer: User, review: Review) -> None:
    session = review(3, checks=[check("=A", "B", category="DOC"), check(state="Validated", type="liveness")])
    bare, _left_out = review(2), review(1)
    claim(bare.pk, by=officer)
    answer = officer_client.post(BULK, {"act": "export", "s": [session.pk, bare.pk]})
    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

    assert [(line["session"], line["check"], line["code"]) for line in lines] == [
        (str(session.pk), "face-matching", "'=A"),
        (str(session.pk), "face-matching", "B"),
        (str(session.pk), "liveness", ""),
        (str(bare.pk), "", ""),
    ]
    assert (lines[0]["category"], lines[0]["assignee"], lines[3]["assignee"]) == ("DOC", "", "officer")


def test_an_export_is_in_the_ledger_before_its_first_byte(
    officer_client: Client, officer: User, two: list[Session]
) -> None:
    officer_client.post(BULK, {"act": "export", "s": [two[1].pk]})
    entry = LedgerEntry.objects.filter(chain=ledger.person_chain(officer)).latest("seq")

    assert entry.action == "queue.exported"
    assert json.loads(entry.detail) == {"sessions": [str(two[1].pk)]}


def test_an_export_is_for_people_who_may_export(outsider_client: Client, two: list[Session]) -> None:
    assert outsider_client.post(BULK, {"act": "export", "s": [two[0].pk]}).status_code == 403


def test_a_script_gets_the_rows_and_the_words(
    officer_client: Client, colleague: User, two: list[Session]
) -> None:
    claim(two[0].pk, by=colleague)
    form = {"act": "claim", "s": [session.pk for session in two], "from": "view=free"}
    answer = officer_client.post(BULK, form, headers={"HX-Request": "true"})
    part = answer.content.decode()

    assert part.count('hx-swap-oob="true"') == 2 and "<html" not in part
    assert "1 of 2 sessions claimed" in part and "officer.b holds this session." in part
    assert "Claimed by officer.b" in part and "You hold it" in part  # both have left the view of free ones
    assert "UTC" in answer["Desk-As-Of"]
