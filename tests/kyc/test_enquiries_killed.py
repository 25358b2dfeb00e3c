"""A worker that is killed while it asks Ralio's API: its question is taken up when the lease ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kyc.answering import answer_due
from kyc.choices import EnquiryStatus
from kyc.models import Delivery, Enquiry
from kyc.ralio.simulator.api import Api
from tests import logged
from tests.kyc.ralio.served import Played, api
from tests.server import database_url

__all__ = ["api"]


@pytest.mark.django_db(transaction=True)
def test_a_killed_workers_question_is_asked_by_the_next(api: Api, settings: Any) -> None:
    Played(api).comes_to("REVIEW")
    api.behaviour.stall_seconds = 30
    api.behaviour.faults.append("stall")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "RALIO_API_URL": api.url,
        "RALIO_API_CODE": api.code,
        "RALIO_API_KEY": api.key,
    }
    command = [sys.executable, "manage.py", "worker", "--once"]
    with logged.kept() as log:
        process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stderr=log)
    deadline = time.monotonic() + 120
    while not api.paths:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert answer_due() == {}, "The dead worker's lease still holds."
    Enquiry.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert answer_due() == {"answered": 1}
    assert Enquiry.objects.get().status == EnquiryStatus.ANSWERED
    assert Delivery.objects.filter(source="api").count() == 1
