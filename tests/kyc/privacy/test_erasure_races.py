"""Erasures at the same instant as another answer, a legal hold or Ralio's own deliveries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kyc import ledger, privacy
from kyc.choices import ErasureStatus
from kyc.exceptions import ActRefused
from kyc.models import Delivery, Erasure, LegalHold, Session
from kyc.rebuilding import rebuild
from kyc.subjects import Subject
from tests import wire
from tests.factories import ContactFactory, UserFactory
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON
from tests.kyc.test_replay_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def tried(act: Callable[[], Any]) -> Callable[[], Any]:
    def do() -> Any:
        try:
            return act()
        except ActRefused as refused:
            return refused

    return do


def test_of_two_who_confirm_at_once_one_has_done_it() -> None:
    session = lives.rejected()
    maker, *checkers = UserFactory.create_batch(3, role="supervisor")
    erasure = privacy.request_erasure(lives.subject_of(session), by=maker, reason=REASON)
    body = wire.encode(lives.event("kyc_session_failed", session.pk, session.user_id, hours=-1))  # type: ignore[arg-type]
    wire.post(body)
    lives.grow_old()
    confirm = [lambda by=by: privacy.confirm_erasure(erasure.pk, by=by) for by in checkers]
    at_once(*map(tried, confirm), lambda: wire.post(body))

    done = Erasure.objects.get()
    assert (done.status, done.erased["notes"]) == (ErasureStatus.DONE, 5)
    assert done.erased["messages"] == session.notifications.count()
    assert lives.found() == set()
    assert sum(Delivery.objects.values_list("n_repeats", flat=True)) == 1
    assert (rebuild(session.pk), list(ledger.verify())) == ([], [])


def test_a_hold_placed_at_the_same_instant_comes_before_or_after_a_session_never_between() -> None:
    session = lives.rejected()
    subject = lives.subject_of(session)
    maker, checker, holder = UserFactory.create_batch(3, role="supervisor")
    erasure = privacy.request_erasure(subject, by=maker, reason=REASON)
    at_once(
        tried(lambda: privacy.confirm_erasure(erasure.pk, by=checker)),
        tried(lambda: privacy.place_hold(subject, by=holder, reason=REASON)),
    )

    places = {"kyc_check.data", "kyc_note.text", "kyc_decision.rationale", "notifications_attempt.answer"}
    assert lives.found() & places in (set(), places)
    assert LegalHold.objects.filter(lifted_at=None).exists()
    if Erasure.objects.get().status == ErasureStatus.DONE:
        assert lives.found() == set()
    assert (rebuild(Session.objects.get().pk), list(ledger.verify())) == ([], [])


def test_of_several_who_ask_at_once_one_has_asked_though_there_is_no_row_to_wait_at() -> None:
    subject = Subject(lives.USER, lives.uuid4())
    ContactFactory(subject_id=subject.id)
    lives.grow_old()
    people = UserFactory.create_batch(3, role="supervisor")
    asked = at_once(
        *(tried(lambda by=by: privacy.request_erasure(subject, by=by, reason=REASON)) for by in people)
    )
    held = at_once(*(tried(lambda by=by: privacy.place_hold(subject, by=by, reason=REASON)) for by in people))
    for answers in (asked, held):
        assert [isinstance(answer, ActRefused) for answer in answers].count(True) == 2
    assert (Erasure.objects.count(), LegalHold.objects.count()) == (1, 1)
