"""What changed while a session was open is told with 409, and nothing that was typed is lost."""

from __future__ import annotations

import pytest
from django.test import Client

from kyc.models import Decision, Note, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import again, in_order, refused
from tests.kyc.desk.panels import WORDS, act, decide, reject, seen, seen_in, session_in_review, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_client(db: None) -> Client:
    return signed_in(UserFactory(username="officer.b", role="officer"))


def test_another_person_decided_first(officer_client: Client, other_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    reject(other_client, session)
    answer = reject(officer_client, session, saw=saw)
    html = answer.content.decode()

    assert answer.status_code == 409 and Decision.objects.count() == 1
    assert in_order(html, 'id="conflict"', "officer.b rejected this session", "UTC")
    assert f"Reject (NO_MATCH): {WORDS}</textarea>" in html


def test_what_was_typed_can_be_kept_as_a_note(officer_client: Client, other_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    reject(other_client, session)
    html = reject(officer_client, session, saw=saw).content.decode()
    kept = f"Reject (NO_MATCH): {WORDS}"
    assert in_order(html, "/notes/", f'name="text" value="{kept}"', "Save as a note")

    act(officer_client, session, "notes", text=kept)
    assert Note.objects.get().text == kept


def test_ralio_decided_first(officer_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    again(session, "VERIFIED", hours=0)
    answer = reject(officer_client, session, saw=saw)

    assert answer.status_code == 409 and not Decision.objects.exists()
    assert "Ralio sent VERIFIED," in text(answer) and WORDS in answer.content.decode()


def test_more_came_and_the_session_can_be_decided_again(officer_client: Client) -> None:
    session = session_in_review(hours=5)
    saw = seen(officer_client, session)
    again(session, "REVIEW", hours=1, checks=[refused("SECOND")])
    answer = reject(officer_client, session, saw=saw)
    html = answer.content.decode()

    assert answer.status_code == 409 and in_order(
        text(html), "Ralio sent REVIEW,", "What you typed is still there"
    )
    assert f">{WORDS}</textarea>" in html and 'value="NO_MATCH" checked' in html
    assert seen_in(html) != saw
    assert reject(officer_client, session, saw=seen_in(html)).status_code == 303


def test_another_person_holds_the_session(officer_client: Client, other_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    act(other_client, session, "claim")
    answer = reject(officer_client, session, saw=saw)

    assert answer.status_code == 409
    assert in_order(
        answer.content.decode(), "officer.b claimed this session", WORDS, "officer.b holds this session"
    )


def test_it_went_to_supervisors_meanwhile_and_the_words_stay(
    officer_client: Client, other_client: Client
) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    decide(other_client, session, "escalate", rationale_escalate="Look here.")
    answer = reject(officer_client, session, saw=saw)

    assert answer.status_code == 403
    assert in_order(
        answer.content.decode(),
        "officer.b escalated this session",
        "This session waits for a supervisor.",
        WORDS,
    )


def test_several_changes_are_listed_in_their_order(officer_client: Client, other_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    act(other_client, session, "claim")
    act(other_client, session, "release")
    listed = text(reject(officer_client, session, saw=saw))

    assert in_order(
        listed,
        "officer.b released this session,",
        "officer.b claimed this session",
        "officer.b released this session",
    )


def test_a_confirmation_of_what_changed_is_refused(officer_client: Client, other_client: Client) -> None:
    session = session_in_review(hours=5)
    decide(officer_client, session, "approve", rationale_approve=WORDS)
    proposal, saw = Decision.objects.get(), seen(other_client, session)
    again(session, "REVIEW", hours=1, checks=[refused("SECOND")])
    answer = act(other_client, session, f"decisions/{proposal.pk}/confirm", **saw)

    assert answer.status_code == 409 and Session.objects.get().state == "REVIEW"
    assert "Ralio sent REVIEW," in text(answer)


def test_a_form_that_says_nothing_of_what_was_seen_decides_nothing(
    officer_client: Client, officer: User
) -> None:
    session = session_in_review()

    assert reject(officer_client, session, saw={"version": "", "basis": ""}).status_code == 409
    assert reject(officer_client, session, saw={"version": "1", "basis": "99999"}).status_code == 409
    assert not Decision.objects.exists()


def test_what_is_missing_does_not_hide_what_changed(officer_client: Client, other_client: Client) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    act(other_client, session, "claim")
    act(other_client, session, "release")
    answer = decide(officer_client, session, "wait", saw=saw)

    assert answer.status_code == 409 and in_order(
        text(answer), "officer.b released", "Say until which day to wait."
    )


def test_words_to_settle_a_dispute_are_kept_when_another_settled_it(
    officer_client: Client, supervisor_client: Client
) -> None:
    session = session_in_review()
    reject(officer_client, session)
    again(session, "VERIFIED", hours=-0.01)
    saw = seen(supervisor_client, session)
    first = signed_in(UserFactory(username="supervisor.b", role="supervisor"))
    act(first, session, "settle", outcome="approve", rationale=WORDS, **saw)
    answer = act(
        supervisor_client, session, "settle", outcome="reject", rationale="Kept, and long enough.", **saw
    )

    assert answer.status_code == 409 and Session.objects.get().state == "VERIFIED"
    shown = answer.content.decode()
    assert in_order(
        shown, "supervisor.b settled the dispute", "Kept, and long enough.</textarea>", "Save as a note"
    )


def test_words_to_hand_back_are_kept_when_another_did(
    officer_client: Client, supervisor_client: Client
) -> None:
    session = session_in_review()
    decide(officer_client, session, "escalate", rationale_escalate="Look here.")
    saw = seen(supervisor_client, session)
    first = signed_in(UserFactory(username="supervisor.b", role="supervisor"))
    decide(first, session, "hand_back", rationale_hand_back="It is fine.")
    answer = decide(supervisor_client, session, "hand_back", saw=saw, rationale_hand_back="Decide it.")

    assert answer.status_code == 409
    assert in_order(
        answer.content.decode(), "handed this session back", "Hand back to officers: Decide it.</textarea>"
    )
