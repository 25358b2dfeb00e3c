"""However many sessions follow a code, and whatever happens to the workers meanwhile: each does, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from kyc import folding, ledger, suspicions
from kyc.models import ReasonCode, Session
from kyc.suspicions import LATECOMERS, Following
from tests.kyc.test_suspicions import FRAUD, came, followed, suspects

LATER = LATECOMERS + timedelta(seconds=1)


@pytest.fixture
def five(db: None, monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """Five sessions whose code was marked, and nobody has followed yet; portions are of two."""
    monkeypatch.setattr(suspicions, "PORTION", 2)
    sessions = {came(FRAUD) for _ in range(5)}
    ReasonCode.objects.update(is_suspicion=True, suspicion_changed_at=timezone.now())
    return sessions


def is_done() -> bool:
    return ReasonCode.objects.get().suspicion_changed_at is None


def test_a_worker_goes_on_portion_by_portion(five: set[Any]) -> None:
    following = Following()
    assert [following.portion() for _ in range(4)] == [2, 2, 1, 0]
    assert suspects() == five
    assert len(followed()) == len(set(followed())) == 5
    assert list(ledger.verify()) == []


def test_what_a_killed_worker_left_is_done_by_the_next(five: set[Any]) -> None:
    Following().portion()
    assert len(suspects()) == 2
    following = Following()
    assert [following.portion() for _ in range(3)] == [2, 1, 0]
    assert suspects() == five
    assert len(followed()) == 5


def test_two_workers_share_the_work(five: set[Any]) -> None:
    one, other = Following(), Following()
    assert [one.portion(), other.portion(), one.portion(), other.portion()] == [2, 2, 1, 0]
    assert suspects() == five
    assert len(followed()) == 5


def test_it_is_over_when_latecomers_were_looked_for(five: set[Any]) -> None:
    following = Following()
    while following.portion():
        assert not is_done()
    assert not is_done()
    # An event that read the mark as it was is stored only now.
    late = Session.objects.filter(pk=five.pop())
    late.update(is_suspect=False, escalated_at=None)

    with time_machine.travel(timezone.now() + LATER):
        assert following.portion() == 1
        assert late.get().is_suspect and not is_done()
        assert following.portion() == 0
        assert is_done()
        assert following.portion() == 0


def test_a_mark_that_changes_again_is_followed_again(five: set[Any]) -> None:
    following = Following()
    with time_machine.travel(timezone.now() + LATER, tick=False):
        while following.portion() and len(suspects()) < 5:
            pass
        ReasonCode.objects.update(is_suspicion=False, suspicion_changed_at=timezone.now())
        while following.portion():
            pass
        assert suspects() == set()
        assert not is_done()


def test_a_change_while_the_last_look_ends_is_not_forgotten(five: set[Any]) -> None:
    real = suspicions._disagreeing

    def meanwhile(code: ReasonCode) -> Any:
        ReasonCode.objects.update(suspicion_changed_at=timezone.now())
        return real(code).none()

    with (
        time_machine.travel(timezone.now() + LATER),
        patch.object(suspicions, "_disagreeing", meanwhile),
    ):
        assert Following().portion() == 0
    assert not is_done()


def test_one_that_can_not_follow_stops_no_other_and_is_tried_again(five: set[Any]) -> None:
    stuck, real = sorted(five)[1], folding.refold

    def refold(session: Session) -> folding.Change:
        if session.pk == stuck:
            raise KeyError("basis")
        return real(session)

    with time_machine.travel(timezone.now() + LATER):
        following = Following()
        with patch.object(folding, "refold", refold):
            while following.portion():
                pass
        assert suspects() == five - {stuck} and not is_done()
        while following.portion():
            pass
        assert suspects() == five and is_done()


def test_the_worker_does_it(transactional_db: None, five: set[Any]) -> None:
    with time_machine.travel(timezone.now() + LATER):
        call_command("worker", "--once")

    assert suspects() == five
    assert is_done()
