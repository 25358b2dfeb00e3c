"""The command that a monitor runs: figures with their thresholds, and an exit status."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from kyc.choices import AlarmKind
from kyc.models import Delivery, InboxAlarm
from tests import factories, wire
from tests.kyc.arrivals import HOUR, WEEK, came, every

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, int]:
    """Return what the command prints, and its exit status."""
    output = StringIO()
    try:
        call_command("inbox_health", *arguments, stdout=output)
    except SystemExit as end:
        return output.getvalue(), int(str(end.code))
    return output.getvalue(), 0


def test_an_empty_desk_is_well() -> None:
    text, status = run()

    assert status == 0
    assert "unknown Silence\n        There are not enough deliveries yet" in text
    assert "well    Refused requests" in text
    assert text.endswith("The inbox is well.\n")


def test_what_is_unwell_is_said_with_its_threshold_and_what_to_do(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    now = timezone.now()
    came(*every(HOUR, now - 2 * WEEK, now - 12 * HOUR))
    wire.post(b"not json", secret="another")
    delivery = factories.DeliveryFactory(is_failed=True, next_try_at=None, received_at=now - 12 * HOUR)
    text, status = run()

    assert status == 1
    assert "unwell  Silence" in text and "Unwell after 10h without one, 10 times the usual gap." in text
    assert "unwell  Refused requests" in text
    assert f"Deliveries: {delivery.pk}.\n        What to do: Ralio counts them as delivered" in text
    assert text.endswith("The inbox is unwell.\n")


def test_a_program_reads_it_as_json() -> None:
    wire.post(b"not json", secret="another")
    text, status = run("--json")
    found = json.loads(text)

    assert (status, found["is_well"]) == (1, False)
    assert list(found["figures"]) == [str(kind) for kind in AlarmKind]
    refused = found["figures"]["refused"]
    assert refused["verdict"] == "unwell"
    assert refused["numbers"]["last_hour_signature_wrong"] == 1
    assert all(figure["threshold"] for figure in found["figures"].values())


def test_it_only_reads() -> None:
    wire.post(b"not json", secret="another")
    run()

    assert not InboxAlarm.objects.exists()


def test_nothing_of_a_body_or_of_a_secret_is_printed(settings: Any) -> None:
    settings.RALIO_WEBHOOK_SECRETS = ["topsecret"]
    wire.post(wire.payload("kyc_session_failed", sessionId="Ana García"), secret="topsecret")
    wire.post(wire.payload("kyc_session_failed", userName="Ana García"), secret="stolen")
    Delivery.objects.update(received_at=timezone.now() - 2 * HOUR)
    for arguments in ((), ("--json",)):
        text, status = run(*arguments)

        assert status == 1
        assert "Ana" not in text and "topsecret" not in text and "stolen" not in text
