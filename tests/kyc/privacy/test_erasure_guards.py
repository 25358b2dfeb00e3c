"""Two people erase, and nothing is erased while the law, a hold or a review has need of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kyc import privacy
from kyc.choices import ErasureStatus
from kyc.exceptions import ActForbidden, ActRefused
from kyc.languages import day_words
from kyc.models import Erasure, LegalHold, Session, User
from kyc.subjects import Subject
from tests import wire
from tests.kyc import scene
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return lives.rejected()


def asked(session: Session, by: User) -> Erasure:
    return privacy.request_erasure(lives.subject_of(session), by=by, reason=REASON)


def test_who_asked_never_answers(session: Session, supervisor: User) -> None:
    erasure = asked(session, supervisor)
    for answer in (
        lambda: privacy.confirm_erasure(erasure.pk, by=supervisor),
        lambda: privacy.refuse_erasure(erasure.pk, by=supervisor, answer=REASON),
    ):
        with pytest.raises(ActForbidden):
            answer()
    assert Erasure.objects.get().status == ErasureStatus.REQUESTED
    assert session.notes.get().text == lives.said("noted")


@pytest.mark.parametrize("role", ["officer", "auditor", "outsider"])
def test_who_may_not_does_nothing(
    session: Session, supervisor: User, role: str, request: pytest.FixtureRequest
) -> None:
    person: User = request.getfixturevalue(role)
    subject = lives.subject_of(session)
    erasure, hold = asked(session, supervisor), privacy.place_hold(subject, by=supervisor, reason=REASON)
    for act in (
        lambda: privacy.confirm_erasure(erasure.pk, by=person),
        lambda: privacy.refuse_erasure(erasure.pk, by=person, answer=REASON),
        lambda: privacy.request_erasure(subject, by=person, reason=REASON),
        lambda: privacy.place_hold(subject, by=person, reason=REASON),
        lambda: privacy.lift_hold(hold.pk, by=person, reason=REASON),
        lambda: privacy.record_export(subject, by=person, reason=REASON),
    ):
        with pytest.raises(ActForbidden):
            act()


def test_it_is_refused_with_the_date_while_the_law_has_it_kept(session: Session, supervisor: User) -> None:
    lives.grow_old(timedelta(days=-1999))
    until = timezone.now() + timedelta(days=1825)
    with pytest.raises(ActRefused, match=f"kept until {day_words(until.date())} UTC"):
        asked(session, supervisor)


def test_what_came_since_keeps_it_though_it_was_asked_for_before(
    session: Session, supervisor: User, admin: User
) -> None:
    erasure = asked(session, supervisor)
    wire.post(wire.payload("kyc_state_updated", user_id=session.user_id))
    with pytest.raises(ActRefused, match="kept until"):
        privacy.confirm_erasure(erasure.pk, by=admin)
    assert lives.found() and session.deliveries.filter(erased_at=None).exists()


def test_a_hold_keeps_it_until_it_is_lifted(session: Session, supervisor: User, admin: User) -> None:
    erasure, subject = asked(session, supervisor), lives.subject_of(session)
    hold = privacy.place_hold(subject, by=supervisor, reason=REASON)
    with pytest.raises(ActRefused, match="legal hold"):
        privacy.confirm_erasure(erasure.pk, by=admin)
    privacy.lift_hold(hold.pk, by=supervisor, reason=REASON)
    assert privacy.confirm_erasure(erasure.pk, by=admin).status == ErasureStatus.DONE
    assert LegalHold.objects.get().lifted_by == supervisor


def test_a_hold_over_the_other_whom_a_session_names_keeps_it_too(supervisor: User) -> None:
    session = lives.rejected()
    party = Subject(lives.PARTY, lives.uuid4())
    Session.objects.filter(pk=session.pk).update(related_party_id=party.id)
    privacy.place_hold(party, by=supervisor, reason=REASON)
    with pytest.raises(ActRefused, match="another subject"):
        asked(session, supervisor)


def test_a_session_in_review_keeps_it(settings: Any, supervisor: User) -> None:
    settings.KYC_LEGAL_MINIMUM = timedelta()
    with pytest.raises(ActRefused, match="in REVIEW"):
        asked(scene.in_review(), supervisor)


@pytest.mark.parametrize("words", ["", "  ", "too short", "x" * 5001, "NUL \0 is not kept"])
def test_words_are_asked_for(session: Session, supervisor: User, admin: User, words: str) -> None:
    subject = lives.subject_of(session)
    for act in (privacy.request_erasure, privacy.place_hold, privacy.record_export):
        with pytest.raises(ActRefused):
            act(subject, by=supervisor, reason=words)
    with pytest.raises(ActRefused):
        privacy.refuse_erasure(asked(session, supervisor).pk, by=admin, answer=words)


def test_it_is_asked_for_and_answered_once(session: Session, supervisor: User, admin: User) -> None:
    erasure = asked(session, supervisor)
    with pytest.raises(ActRefused, match="already"):
        asked(session, admin)
    assert privacy.refuse_erasure(erasure.pk, by=admin, answer=REASON).answer == REASON
    with pytest.raises(ActRefused, match="already"):
        privacy.confirm_erasure(erasure.pk, by=admin)
    assert lives.found()


def test_nothing_is_asked_about_who_is_unknown(supervisor: User) -> None:
    with pytest.raises(ActRefused, match="Nothing is kept"):
        privacy.request_erasure(Subject(lives.PARTY, lives.uuid4()), by=supervisor, reason=REASON)
