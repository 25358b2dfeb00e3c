"""The last step of an erasure meets whoever takes in again what it is about to overwrite: each waits, none dies of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kyc import ingestion, ledger, privacy, replaying
from kyc.choices import ErasureStatus
from kyc.models import Delivery, Erasure, Session
from kyc.rebuilding import rebuild
from kyc.replaying import Ending
from tests import locks
from tests.factories import UserFactory
from tests.kyc import mending
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON
from tests.kyc.privacy.test_purge_goes_on import failed
from tests.kyc.test_replay_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Callable[[Session, Callable[[], Any]], Any]:
    """Confirm an erasure, and act once its last step has locked the session; it goes on when that waits or is over."""
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite who writes holds the database.")
    lock, is_locked, is_over = privacy._lock, threading.Event(), threading.Event()

    def then_wait(subject: Any) -> None:
        lock(subject)
        is_locked.set()
        until = time.monotonic() + 60
        while not (is_over.is_set() or locks.somebody_waits()):
            assert time.monotonic() < until, "It neither waits nor ends."
            time.sleep(0.02)

    def met(session: Session, act: Callable[[], Any]) -> Any:
        maker, checker = UserFactory.create_batch(2, role="supervisor")
        erasure = privacy.request_erasure(lives.subject_of(session), by=maker, reason=REASON)
        monkeypatch.setattr(privacy, "_lock", then_wait)

        def when_locked() -> Any:
            assert is_locked.wait(60)
            try:
                return act()
            finally:
                is_over.set()

        def confirm() -> None:
            privacy.confirm_erasure(erasure.pk, by=checker)

        return at_once(confirm, when_locked)

    return met


def is_erased(session: Session) -> bool:
    is_done = Erasure.objects.get().status == ErasureStatus.DONE
    return is_done and (rebuild(session.pk), list(ledger.verify())) == ([], [])


def test_a_retry_of_what_failed(meet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = lives.rejected()
    delivery = failed(monkeypatch, session.pk, session.user_id)
    lives.grow_old()
    Delivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())
    meet(session, ingestion.retry_failed)

    assert (is_erased(session), lives.found()) == (True, set())
    # None is ended as one that waits in a circle: it is as it was, or tried in full.
    delivery.refresh_from_db()
    assert (delivery.status, "Deadlock" in delivery.error) in {("failed", False), ("applied", False)}


def test_a_refused_request_that_is_verified_again(
    meet: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = lives.rejected()
    event = lives.event("kyc_session_failed", session.pk, session.user_id, hours=3)
    refused = mending.refused(event)
    lives.grow_old()
    settings.RALIO_WEBHOOK_SECRETS = [*settings.RALIO_WEBHOOK_SECRETS, mending.OLD_SECRET]
    try_once, tries = replaying._in_one_transaction, []
    monkeypatch.setattr(replaying, "_in_one_transaction", lambda act: tries.append(act) or try_once(act))
    answers = meet(session, lambda: replaying.apply_refused(refused.pk, by=None))

    assert (is_erased(session), lives.found()) == (True, set())
    assert [one.ending for one in answers if one] == [Ending.NO_BODY]
    # The database ended nothing, so nothing had to be tried again.
    assert len(tries) == 1
