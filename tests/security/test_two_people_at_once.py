"""Two people act in the same instant on what takes two: one of them is first, and nothing is done twice or half."""

from __future__ import annotations

from typing import Any

import pytest

from kyc import privacy, review
from kyc.choices import DecisionStatus, ErasureStatus
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Decision, Erasure, LegalHold, Note, User
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.privacy import lives
from tests.kyc.review.acting import is_sound, rejected, seen
from tests.kyc.review.test_claims_together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = lives.REASON


def supervisors(n: int) -> list[User]:
    return [UserFactory(role="supervisor") for _ in range(n)]


def kinds(answers: list[Any]) -> list[str]:
    return sorted(answer.__name__ if isinstance(answer, type) else "done" for answer in answers)


def test_two_confirm_a_proposal_and_a_third_sends_it_back(settings: Any) -> None:
    settings.KYC_FOUR_EYES = "all"
    maker, one, two, three = supervisors(4)
    proposal = rejected(scene.in_review(), maker)
    saw = seen(proposal.session)
    answers = at_once(
        lambda: review.confirm(proposal.pk, by=one, seen=saw),
        lambda: review.confirm(proposal.pk, by=two, seen=saw),
        lambda: review.send_back(proposal.pk, by=three, answer=WORDS),
        lambda: review.confirm(proposal.pk, by=maker, seen=saw),
    )
    now = Decision.objects.get()
    assert kinds(answers).count("done") == 1, answers
    assert (now.status, now.checker) in [
        (DecisionStatus.CONFIRMED, one),
        (DecisionStatus.CONFIRMED, two),
        (DecisionStatus.RETURNED, three),
    ]
    assert is_sound(proposal.session)


def test_two_confirm_an_erasure_and_a_third_refuses_it() -> None:
    maker, one, two, three = supervisors(4)
    session = lives.rejected()
    erasure = privacy.request_erasure(lives.subject_of(session), by=maker, reason=WORDS)
    answers = at_once(
        lambda: privacy.confirm_erasure(erasure.pk, by=one),
        lambda: privacy.confirm_erasure(erasure.pk, by=two),
        lambda: privacy.refuse_erasure(erasure.pk, by=three, answer=WORDS),
        lambda: privacy.confirm_erasure(erasure.pk, by=maker),
    )
    now = Erasure.objects.get()
    assert kinds(answers).count("done") == 1, answers
    assert answers[3] is ActForbidden
    assert now.checker == (three if now.status == ErasureStatus.REFUSED else now.checker) != maker
    assert now.status in (ErasureStatus.DONE, ErasureStatus.REFUSED)
    assert (now.status == ErasureStatus.DONE) is (Note.objects.get().erased_at is not None) or (
        # Refused between two of its sessions: what was erased by then stays so.
        now.status == ErasureStatus.REFUSED and now.erased
    )
    assert is_sound(session)


def test_a_hold_is_placed_while_an_erasure_is_confirmed() -> None:
    maker, one, two = supervisors(3)
    session = lives.rejected()
    subject = lives.subject_of(session)
    erasure = privacy.request_erasure(subject, by=maker, reason=WORDS)
    answers = at_once(
        lambda: privacy.confirm_erasure(erasure.pk, by=one),
        lambda: privacy.place_hold(subject, by=two, reason=WORDS),
    )
    assert LegalHold.objects.count() == 1, answers
    note, now = Note.objects.get(), Erasure.objects.get()
    hold = LegalHold.objects.get()
    # Nothing of it was overwritten after the hold was there.
    assert note.erased_at is None or note.erased_at <= hold.placed_at
    assert now.status == ErasureStatus.DONE or answers[0] is ActRefused
    assert is_sound(session)


def test_two_ask_for_the_same_and_two_place_a_hold() -> None:
    one, two = supervisors(2)
    subject = lives.subject_of(lives.rejected())
    asked = at_once(
        *(lambda by=by: privacy.request_erasure(subject, by=by, reason=WORDS) for by in (one, two))
    )
    held = at_once(*(lambda by=by: privacy.place_hold(subject, by=by, reason=WORDS) for by in (one, two)))
    assert kinds(asked) == kinds(held) == ["ActRefused", "done"]
    assert Erasure.objects.count() == LegalHold.objects.count() == 1
