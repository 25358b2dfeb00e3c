"""An officer's rejection stands in the history like Ralio's: with its codes, who decided and why."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kyc import review
from kyc.models import ReasonCode, Session, User
from tests.kyc.desk.arrivals import again, arrive, found, in_order, refused
from tests.kyc.review.acting import seen

pytestmark = pytest.mark.django_db
WORDS = "The paper is torn in two, and the name cannot be read."


def history(client: Client, query: str = "") -> Any:
    return client.get(f"/rejected/?{query}")


def html(client: Client, query: str = "") -> str:
    return str(history(client, query).content.decode())


def reject(by: User, *codes: str, session: Session | None = None) -> Session:
    """Reject a session that came to REVIEW with the code OWN."""
    session = session or arrive("REVIEW", hours=3, checks=[refused("OWN", "It is odd.", category="DOC")])
    review.reject(session.pk, by=by, seen=seen(session), codes=codes or ["OWN"], rationale=WORDS)
    return session


def test_it_is_listed_with_its_codes_its_words_and_who_decided(officer_client: Client, officer: User) -> None:
    ReasonCode.objects.create(code="CHOSEN", label="Chosen here")
    session = reject(officer, "OWN", "CHOSEN")
    page = html(officer_client)

    assert in_order(
        page, str(session.pk), "DOC", "OWN", "It is odd.", "CHOSEN", "Chosen here", WORDS, "You</span>"
    )
    assert "No message was sent" not in page and "confirmed by" not in page


def test_the_second_person_is_named(officer_client: Client, officer: User, supervisor: User) -> None:
    session = arrive("REVIEW", checks=[refused("OWN")])
    review.ask_second_review(session.pk, by=officer, seen=seen(session), rationale="Please look too.")
    proposal = review.reject(session.pk, by=officer, seen=seen(session), codes=["OWN"], rationale=WORDS)
    assert found(officer_client) == set()
    review.confirm(proposal.pk, by=supervisor, seen=seen(session))

    assert in_order(
        html(officer_client), str(session.pk), "OWN", WORDS, "You</span>", "confirmed by supervisor"
    )


def test_filters_facets_and_chart_tell_officers_from_ralio(officer_client: Client, officer: User) -> None:
    ours, ralios = reject(officer), arrive("REJECTED", checks=[refused("OWN")])
    answer = history(officer_client)

    assert found(officer_client, "by=officer") == {ours.pk}
    assert found(officer_client, "by=ralio") == {ralios.pk}
    assert found(officer_client, "reason=OWN") == {ours.pk, ralios.pk}
    assert found(officer_client, "category=DOC&by=officer") == {ours.pk}
    (group,) = (group for group in answer.context["facets"] if group.name == "by")
    assert {choice.value: choice.count for choice in group.choices} == {"ralio": 1, "officer": 1}
    assert (answer.context["chart"].n_ralio, answer.context["chart"].n_officer) == (1, 1)


def test_codes_that_the_officer_did_not_give_are_not_its_codes(officer_client: Client, officer: User) -> None:
    ReasonCode.objects.create(code="CHOSEN")
    session = reject(officer, "CHOSEN")

    assert found(officer_client, "reason=CHOSEN") == {session.pk}
    assert found(officer_client, "reason=OWN") == set()


def test_the_export_names_both_people_and_the_words(
    officer_client: Client, officer: User, supervisor: User
) -> None:
    session = arrive("REVIEW", checks=[refused("OWN")])
    review.ask_second_review(session.pk, by=officer, seen=seen(session), rationale="Please look too.")
    proposal = review.reject(session.pk, by=officer, seen=seen(session), codes=["OWN"], rationale=f"={WORDS}")
    review.confirm(proposal.pk, by=supervisor, seen=seen(session))
    text = b"".join(officer_client.get("/rejected/export/?by=officer")).decode().removeprefix("\ufeff")
    (line,) = csv.DictReader(io.StringIO(text))

    assert (line["session"], line["code"]) == (str(session.pk), "OWN")
    assert (line["decided by"], line["confirmed by"]) == ("officer", "supervisor")
    assert line["rationale"] == f"'={WORDS}"


def test_what_was_undone_vanishes(officer_client: Client, officer: User) -> None:
    session = reject(officer)
    assert found(officer_client) == {session.pk}
    review.undo(session.decisions.get().pk, by=officer)

    assert found(officer_client) == found(officer_client, "reason=OWN") == set()


def test_ralio_s_own_rejection_of_a_later_round_is_ralio_s(officer_client: Client, officer: User) -> None:
    session = reject(officer)
    now = timezone.now()
    again(session, "REVIEW", at=now + timedelta(seconds=1))
    again(session, "REJECTED", at=now + timedelta(seconds=2), checks=[refused("THEIRS")])
    page = html(officer_client, f"q={str(session.pk)[:8]}")

    assert in_order(page, str(session.pk), "THEIRS", "Ralio, automatic")
    assert WORDS not in page


def test_a_dispute_leaves_the_history_until_it_is_settled(
    officer_client: Client, officer: User, supervisor: User
) -> None:
    session = reject(officer)
    again(session, "VERIFIED", at=timezone.now() + timedelta(seconds=1))
    assert found(officer_client) == set()
    words = "The officer was right: the paper is torn."
    review.settle(session.pk, by=supervisor, seen=seen(session), outcome="reject", rationale=words)

    assert found(officer_client, "by=officer&reason=OWN") == {session.pk}
    assert in_order(html(officer_client), str(session.pk), "OWN", words, "supervisor")
