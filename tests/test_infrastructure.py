"""The test suite's own ground: both engines, a flush that the ledger's triggers do not stop, rows from migrations."""

from __future__ import annotations

import os
import threading

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.cache import cache
from django.db import connection

from kyc.models import LedgerEntry, Session
from tests import engines, factories, postgres, wire


def test_it_runs_on_the_engine_that_was_asked_for(pytestconfig: pytest.Config) -> None:
    assert connection.vendor == pytestconfig.option.engine
    assert settings.RALIO_WEBHOOK_SECRETS == ["test-webhook-secret"]
    assert "DJANGO_SECRET_KEY" not in os.environ


def test_postgresql_compiles_no_query(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite never does.")
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_sent_mail_lands_in_the_outbox(mailoutbox: list[mail.EmailMessage]) -> None:
    mail.send_mail("Subject", "Text", None, ["someone@example.test"])

    assert [message.subject for message in mailoutbox] == ["Subject"]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_flush_empties_the_ledger_and_keeps_what_migrations_made(transactional_db: None, turn: int) -> None:
    assert not LedgerEntry.objects.exists()
    assert cache.get("failed-sign-ins") is None
    assert Permission.objects.filter(codename="export_session").count() == 1
    assert set(Group.objects.values_list("name", flat=True)) >= {"officer", "supervisor", "auditor", "admin"}

    cache.set("failed-sign-ins", turn)
    factories.LedgerEntryFactory()
    factories.SessionFactory()


def test_threads_have_their_own_connections(transactional_db: None) -> None:
    factories.SessionFactory()
    seen: list[int] = []

    def count() -> None:
        seen.append(Session.objects.count())
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [1] * 8


@pytest.mark.parametrize(
    "make",
    [
        factories.UserFactory,
        factories.SessionFactory,
        factories.RejectedSessionFactory,
        factories.DeliveryFactory,
        factories.RefusedRequestFactory,
        factories.CheckFactory,
        factories.ReasonFactory,
        factories.QueueFacetFactory,
        factories.RejectionReasonFactory,
        factories.DecisionFactory,
        factories.CorrectionFactory,
        factories.ContactFactory,
        factories.ReasonCodeFactory,
        factories.LedgerHeadFactory,
        factories.LedgerEntryFactory,
    ],
)
def test_every_factory_builds_valid_rows(db: None, make: type[factories.DjangoModelFactory]) -> None:
    made = make()
    made.full_clean()

    assert make().pk != made.pk


@pytest.mark.parametrize("trait", ["is_quarantined", "is_failed", "is_record"])
def test_a_delivery_can_have_any_fate(db: None, trait: str) -> None:
    factories.DeliveryFactory(**{trait: True}).full_clean()


def test_a_person_s_machine_may_lack_postgresql_and_ci_may_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres, "find_programs", lambda: None)
    monkeypatch.setenv("KYC_TEST_POSTGRES_URL", "")

    monkeypatch.setenv("CI", "")
    assert engines.engines_here() == ["sqlite"]
    assert "postgresql: skipped" in capsys.readouterr().out

    monkeypatch.setenv("CI", "true")
    assert engines.engines_here() == ["sqlite", "postgresql"]
    with pytest.raises(pytest.UsageError, match="not installed"):
        engines.start_postgresql(None)


def test_examples_come_with_fresh_ids() -> None:
    one, other = (
        wire.payload("kyc_session_manual_review"),
        wire.payload("kyc_session_manual_review.g1", user_id=None),
    )

    assert one["id"] != other["id"]
    assert one["data"]["sessionId"] != other["data"]["sessionId"]
    assert "userId" not in other["data"]
    assert len(wire.names()) == 12
