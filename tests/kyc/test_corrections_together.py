"""Two admins correct one session at once, or a delivery comes in between: one of them wins, nothing is half done."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection

from kyc import ledger
from kyc.exceptions import CorrectionOutdated
from kyc.models import Correction, Session, User
from kyc.rebuilding import rebuild
from kyc.review import Change, correct
from tests import wire
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_at_once_one_is_told_that_it_came_too_late() -> None:
    wire.post(wire.payload("kyc_session_manual_review"))
    session, admins = Session.objects.get(), [UserFactory(role="admin") for _ in range(4)]
    start, answers = threading.Barrier(len(admins)), []

    def act(admin: User) -> None:
        start.wait()
        try:
            correct(session, by=admin, changes=[Change(session, "user_id", uuid4())], reason="Wrong id.")
            answers.append("corrected")
        except CorrectionOutdated:
            answers.append("outdated")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[admin]) for admin in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["corrected", "outdated", "outdated", "outdated"]
    assert (
        Session.objects.get().version == session.version + Correction.objects.count() == session.version + 1
    )
    assert rebuild(session.pk) == []
    assert list(ledger.verify()) == []
