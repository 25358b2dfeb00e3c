"""The demo's people leave the desk with some of everything in it, however few sessions there are."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from config.demo import work as demo_work
from config.demo.furnishing import describe_codes
from config.demo.work import work
from kyc import ledger
from kyc.choices import DecisionStatus, Outcome
from kyc.models import Decision, Note, Session, User
from kyc.querysets import UNENTERED
from kyc.rebuilding import rebuild
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import EVENTS, again, arrive, refused

pytestmark = pytest.mark.django_db
NAMES = ("officer.a", "officer.b", "supervisor")
STATES = {name.rpartition("_")[2]: state for state, name in EVENTS.items()}


@pytest.fixture(autouse=True)
def people() -> list[User]:
    describe_codes()
    return [UserFactory(username=name, role=name.split(".")[0]) for name in NAMES]


def answer(session_id: UUID, kind: str) -> None:
    again(Session.objects.get(pk=session_id), STATES[kind], at=timezone.now() + timedelta(microseconds=1))


def waiting(n: int) -> None:
    codes = ("LOW_CONFIDENCE", "EXPIRED_DOCUMENT", "NO_MATCH", "KYC.FACE.OBSCURED")
    for hours in range(n):
        arrive("REVIEW", hours=1.5 * hours + 1, checks=[refused(codes[hours % 4])] if hours % 7 else [])


def test_what_becomes_a_supervisor_s_under_an_officer_s_hands_is_left_to_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes, taken = demo_work._codes, []

    def too_late(pk: UUID) -> list[str]:
        if not taken:
            taken.append(pk)
            Session.objects.filter(pk=pk).update(escalated_at=timezone.now())
        return codes(pk)

    monkeypatch.setattr(demo_work, "_codes", too_late)
    waiting(8)
    work(NAMES, answer)

    assert taken and not Decision.objects.filter(session__in=taken).exists()
    assert Decision.objects.filter(outcome=Outcome.REJECT, maker__username="officer.a").exists()


def test_every_state_of_the_desk_is_there() -> None:
    waiting(64)
    work(NAMES, answer)
    queue = Session.objects.in_review()
    status = Decision.objects.filter(outcome__in=[Outcome.APPROVE, Outcome.REJECT]).values_list(
        "status", flat=True
    )

    assert Session.objects.filter(UNENTERED).count() >= 10
    assert queue.filter(is_disputed=True).count() == 1
    for has in ("proposed_by", "snoozed_until", "assignee", "escalated_at", "asked_by"):
        assert queue.filter(**{f"{has}__isnull": False}).exists(), has
    assert queue.filter(is_second_review=True).exists() and queue.filter(round=2).exists()
    assert set(status) == set(DecisionStatus) - {DecisionStatus.LAPSED}
    assert Decision.objects.filter(settles__isnull=False).exists() and Note.objects.exists()
    assert set(Decision.objects.values_list("outcome", flat=True)) == set(Outcome) - {Outcome.RESUME}
    assert queue.count() >= 32
    assert [rebuild(pk, is_dry_run=True) for pk in Session.objects.values_list("pk", flat=True)] == [[]] * 64
    assert list(ledger.verify()) == []


@pytest.mark.parametrize("n", [0, 3])
def test_few_sessions_are_enough(n: int) -> None:
    waiting(n)
    work(NAMES, answer)

    assert Decision.objects.exists() == bool(n)


def test_it_is_done_once() -> None:
    waiting(12)
    work(NAMES, answer)
    made = Decision.objects.count()
    work(NAMES, answer)

    assert Decision.objects.count() == made
