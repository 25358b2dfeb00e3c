"""`replay_deliveries` takes what it is told to: by cause, status, time and id, or refused requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from kyc.models import Delivery, RefusedRequest
from tests import wire
from tests.kyc import mending
from tests.kyc.mending import replay_fails as fails
from tests.kyc.mending import replay_says as run

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One that is no JSON, one that is invalid and one that failed, a day apart."""
    wire.post(b"no json")
    mending.unreadable()
    mending.failed(monkeypatch)
    ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    for day, pk in enumerate(ids):
        Delivery.objects.filter(pk=pk).update(received_at=NOON + timedelta(days=day))
    return ids


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ([], [0, 1, 2]),
        (["--cause", "not_json"], [0]),
        (["--status", "failed"], [2]),
        (["--status", "quarantined", "--cause", "invalid"], [1]),
        (["--status", "failed", "--cause", "invalid"], []),
        (["--since", "2026-11-02T12:00:00Z"], [1, 2]),
        (["--until", "2026-11-02T13:00:00+01:00"], [0]),
        (["--since", "2026-11-02T12:00:00Z", "--until", "2026-11-03T12:00:00Z"], [1]),
        (["--limit", "2"], [0, 1]),
        (["--limit", "0"], [0, 1, 2]),
    ],
)
def test_it_chooses_in_order_of_arrival(three: list[int], arguments: list[str], chosen: list[int]) -> None:
    lines = [line for line in run(*arguments).splitlines() if line.startswith("delivery ")]

    assert [int(line.split(":")[0].split()[1]) for line in lines] == [three[n] for n in chosen]


def test_it_says_when_more_are_left(three: list[int]) -> None:
    assert "More are left: --limit is 1.\n" in run("--limit", "1")
    assert "More are left" not in run("--limit", "3")


def test_named_ones_are_told_of_each(three: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    applied = Delivery.objects.create(status="recorded", n_bytes=0, sha256="")
    chosen = [f"--id={pk}" for pk in (applied.pk, three[1], applied.pk + 1)]
    mending.mend(monkeypatch)
    said, refusal = fails("--apply", *chosen)

    assert str(refusal) == "1 applied, 1 nothing to do, 1 gone."
    assert f"delivery {applied.pk + 1}: Gone\n    There is no such delivery." in said
    assert "    It is recorded already. Nothing was changed." in said


def test_a_named_one_that_is_not_there_is_wrong_in_a_dry_run_too(three: list[int]) -> None:
    _, refusal = fails(f"--id={three[-1] + 1}")

    assert str(refusal) == "Dry run, nothing was written. It would be: 1 gone."


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--until", "2026-11-02T12:00:00"], ["--cause", "none"], ["--id", "x"], ["--refused", "--cause=invalid"], ["--id=1", "--status=failed"]],
)  # fmt: skip
def test_what_it_can_not_understand_it_refuses(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("replay_deliveries", *arguments)


def test_refused_requests_whose_signature_holds_now(settings: Any) -> None:
    mending.refused(wire.payload("kyc_session_failed.g2"), secret="a stranger's")
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = [mending.OLD_SECRET]
    said = run("--refused")
    assert (Delivery.objects.count(), said.count("refused request ")) == (0, 1)
    assert f"refused request {refused.pk}: kyc_session_failed, event " in said

    run("--refused", "--apply")
    assert Delivery.objects.get() == RefusedRequest.objects.get(pk=refused.pk).delivery
    assert run("--refused", "--apply") == "Nothing to replay.\n"


def test_a_named_refused_request_is_told_why_it_is_not_taken() -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    said, refusal = fails("--refused", "--apply", f"--id={refused.pk}")

    assert str(refusal) == "1 signature does not hold."
    assert said.startswith(
        f"refused request {refused.pk}: Signature does not hold\n    Its signature holds under"
    )
