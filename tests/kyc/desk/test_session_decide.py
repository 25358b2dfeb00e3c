"""A decision is made by the panel's form: checked, kept while it is at fault, done once, and taken back."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from kyc.choices import DecisionStatus, Outcome
from kyc.models import Decision, LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import in_order, page
from tests.kyc.desk.panels import WORDS, act, approvable, decide, panel, reject, seen, session_in_review

pytestmark = pytest.mark.django_db


def test_a_rejection_is_done_and_offered_for_undo(officer_client: Client, officer: User) -> None:
    session = session_in_review()
    answer = reject(officer_client, session)
    done = Decision.objects.get()

    assert (answer.status_code, answer["Location"]) == (303, f"/sessions/{session.pk}/")
    assert (done.outcome, done.codes, done.rationale, done.maker) == ("reject", ["NO_MATCH"], WORDS, officer)
    html = page(officer_client, session)
    assert in_order(
        html[html.index('id="toasts"') :],
        "Session rejected with NO_MATCH.",
        f"/decisions/{done.pk}/undo/",
        "Undo",
    )
    assert 'id="toasts"' in page(officer_client, session) and "Session rejected with" not in page(
        officer_client, session
    )


def test_an_approval_of_what_is_all_validated_needs_no_words(officer_client: Client) -> None:
    session = approvable()

    assert decide(officer_client, session, "approve").status_code == 303
    assert Session.objects.get().state == "VERIFIED"


def test_the_way_through_the_queue_is_kept(officer_client: Client) -> None:
    session = session_in_review()
    answer = decide(
        officer_client, session, "escalate", rationale_escalate="Look here.", **{"from": "sort=oldest"}
    )

    assert answer["Location"] == f"/sessions/{session.pk}/?from=sort%3Doldest"


def test_every_fault_is_named_and_linked_and_everything_typed_stays(officer_client: Client) -> None:
    session = session_in_review()
    answer = decide(
        officer_client, session, "reject", rationale_reject="Blurry <scan>", rationale_approve="Kept too"
    )
    html = answer.content.decode()

    assert answer.status_code == 422 and not Decision.objects.exists()
    assert in_order(
        html, "The session was not rejected.", 'href="#decide-codes"', 'href="#decide-rationale_reject"'
    )
    assert in_order(html, 'value="reject" data-key="r" checked', ">Blurry &lt;scan&gt;</textarea>")
    assert ">Kept too</textarea>" in html
    assert 'role="alert" tabindex="-1" data-focus' in html


def test_a_decision_has_to_be_chosen(officer_client: Client) -> None:
    session = session_in_review()
    answer = officer_client.post(f"/sessions/{session.pk}/decide/", seen(officer_client, session))

    assert answer.status_code == 422
    assert 'href="#decide-decision">Choose a decision.' in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"until_date": "", "until_time": ""}, 'href="#decide-until_time"'),
        ({"until_date": "2001-01-01", "until_time": "09:00"}, "Choose a time that is still to come."),
        ({"until_date": "tomorrow", "until_time": "09:00"}, "This is not a date."),
        ({"until_date": "9999-12-31", "until_time": "23:59"}, 'href="#decide-until_date"'),
    ],
)
def test_a_wait_needs_an_instant_to_come(officer_client: Client, fields: dict[str, str], fault: str) -> None:
    answer = decide(officer_client, session_in_review(), "wait", rationale_wait="A photograph.", **fields)

    assert answer.status_code == 422 and fault in answer.content.decode()
    assert not Decision.objects.exists()


def test_the_faults_of_other_choices_do_not_matter(officer_client: Client) -> None:
    answer = decide(
        officer_client,
        session_in_review(),
        "escalate",
        rationale_escalate="Look.",
        until_date="never",
        to_second_review="x",
    )

    assert answer.status_code == 303


@pytest.mark.parametrize("to", ["9999999", "x", "0", "99999999999999999999"])
def test_nobody_is_not_taken_for_anybody(officer_client: Client, to: str) -> None:
    answer = decide(
        officer_client, session_in_review(), "escalate", rationale_escalate="Look.", to_escalate=to
    )

    assert answer.status_code == 422 and "Choose one of the people of this list." in answer.content.decode()


def test_an_escalation_goes_to_the_supervisor_that_was_chosen(
    officer_client: Client, supervisor: User
) -> None:
    session = session_in_review()
    decide(
        officer_client, session, "escalate", rationale_escalate="Look here.", to_escalate=str(supervisor.pk)
    )

    assert Session.objects.get().assignee == supervisor
    assert Decision.objects.get().addressee == supervisor


def test_a_suspicion_is_proposed_to_a_supervisor(officer_client: Client, supervisor_client: Client) -> None:
    session = session_in_review()
    from kyc.models import ReasonCode

    ReasonCode.objects.create(code="RING", is_suspicion=True)
    assert reject(officer_client, session, codes=["NO_MATCH", "RING"]).status_code == 303

    other = signed_in(UserFactory(role="officer"))
    assert "A supervisor has to confirm this" in panel(page(other, session))
    assert "Confirm rejection" in panel(page(supervisor_client, session))


def test_two_people_make_what_needs_two(officer_client: Client) -> None:
    session = session_in_review()
    decide(officer_client, session, "approve", rationale_approve=WORDS)
    proposal = Decision.objects.get()
    confirm = f"decisions/{proposal.pk}/confirm"
    other = signed_in(UserFactory(username="officer.b", role="officer"))
    saw = seen(other, session)
    own = act(officer_client, session, confirm, **saw)
    assert own.status_code == 403 and "Someone else has to confirm." in own.content.decode()

    assert act(other, session, confirm, **saw).status_code == 303
    assert Session.objects.get().state == "VERIFIED"
    assert "Confirmed by" in panel(page(officer_client, session))


def test_a_proposal_comes_back_with_words_that_its_maker_reads(officer_client: Client) -> None:
    session = session_in_review()
    decide(officer_client, session, "approve", rationale_approve=WORDS)
    proposal = Decision.objects.get()
    other = signed_in(UserFactory(username="officer.b", role="officer"))
    refused = act(other, session, f"decisions/{proposal.pk}/return", answer="", **seen(other, session))
    assert refused.status_code == 422 and 'href="#answer-answer"' in refused.content.decode()

    assert (
        act(other, session, f"decisions/{proposal.pk}/return", answer="Look at page two.").status_code == 303
    )
    shown = panel(page(officer_client, session))
    assert in_order(shown, "officer.b sent your proposal back", "Look at page two.", 'value="approve"')


def test_a_decision_is_taken_back_once(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    undo = f"decisions/{Decision.objects.get().pk}/undo"

    assert act(officer_client, session, undo).status_code == 303
    assert Session.objects.get().state == "REVIEW"
    late = act(officer_client, session, undo)
    assert late.status_code == 409 and "There is nothing to undo." in late.content.decode()


def test_undo_that_comes_too_late_says_so(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    Decision.objects.update(confirmed_at=timezone.now() - timezone.timedelta(hours=1))
    assert "Undo" not in panel(page(officer_client, session))

    late = act(officer_client, session, f"decisions/{Decision.objects.get().pk}/undo")
    assert late.status_code == 409 and "Undo came too late." in late.content.decode()


def test_a_decision_of_another_session_is_not_found_here(officer_client: Client) -> None:
    reject(officer_client, session_in_review())
    other = session_in_review()

    assert act(officer_client, other, f"decisions/{Decision.objects.get().pk}/undo").status_code == 404


@pytest.mark.parametrize("name", ["decide", "settle", "claim", "notes", "renew"])
def test_a_reload_of_an_acts_address_only_reads(officer_client: Client, name: str) -> None:
    session = session_in_review()
    answer = officer_client.get(f"/sessions/{session.pk}/{name}/?before=3")

    assert (answer.status_code, answer["Location"]) == (302, f"/sessions/{session.pk}/?before=3")
    assert Session.objects.get().version == session.version


def test_a_reader_cannot_decide_and_is_told_why(auditor_client: Client) -> None:
    session = session_in_review()
    answer = reject(auditor_client, session, saw={"version": "1", "basis": "1"})

    assert answer.status_code == 403 and not Decision.objects.exists()
    assert "Your role can read sessions and not decide them." in answer.content.decode()


def test_visitors_and_forged_forms_decide_nothing(client: Client, officer: User) -> None:
    session = session_in_review()
    assert client.post(f"/sessions/{session.pk}/decide/", {"decision": "approve"}).status_code == 302

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(officer)
    assert strict.post(f"/sessions/{session.pk}/decide/", {"decision": "approve"}).status_code == 403
    assert not Decision.objects.exists()


def test_what_was_written_stays_out_of_the_ledger(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    entry = LedgerEntry.objects.get(action="session.rejected")

    assert WORDS not in entry.detail and json.loads(entry.detail)["codes"] == ["NO_MATCH"]
    assert (Decision.objects.get().status, Decision.objects.get().outcome) == (
        DecisionStatus.CONFIRMED,
        Outcome.REJECT,
    )
