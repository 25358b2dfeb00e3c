"""The test suite's own ground: both engines, a flush that the ledger's triggers do not stop, rows from migrations."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.cache import cache
from django.db import connection

from kyc.models import LedgerEntry, Session
from tests import copies, engines, factories, postgres, wire
from tests.conftest import depends_on_engine


@pytest.mark.each_engine
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


@pytest.mark.parametrize(
    ("marks", "fixtures", "expected"),
    [
        (["django_db"], [], True),
        ([], ["transactional_db"], True),
        ([], ["live_server"], True),
        ([], ["tmp_path"], False),
        (["django_db", "walk"], [], False),
        (["looks"], ["db"], False),
        (["own_database"], ["db"], False),
        ([], ["browser", "db"], False),
        (["each_engine"], ["browser", "db"], True),
        (["each_engine"], [], True),
    ],
)
def test_what_depends_on_the_engine_runs_on_both(
    marks: list[str], fixtures: list[str], expected: bool
) -> None:
    item: Any = SimpleNamespace(fixturenames=fixtures, get_closest_marker={name: name for name in marks}.get)

    assert depends_on_engine(item) == expected


@pytest.mark.each_engine
def test_the_processes_of_a_run_have_copies_of_one_database(
    django_db_setup: None, django_db_blocker: Any, pytestconfig: pytest.Config
) -> None:
    with django_db_blocker.unblock():
        tables = connection.introspection.table_names()
    name = str(connection.settings_dict["NAME"])

    assert {"kyc_session", "kyc_ledgerentry", "kyc_cache", "django_migrations"} <= set(tables)
    assert getattr(pytestconfig, "workerinput", {}).get("workerid", "main") in name
    if "PYTEST_XDIST_WORKER" in os.environ and connection.vendor == "sqlite":
        migrated = copies.migrated_file()
        assert migrated and str(migrated) != name


def test_examples_come_with_fresh_ids() -> None:
    one, other = (
        wire.payload("kyc_session_manual_review"),
        wire.payload("kyc_session_manual_review.g1", user_id=None),
    )

    assert one["id"] != other["id"]
    assert one["data"]["sessionId"] != other["data"]["sessionId"]
    assert "userId" not in other["data"]
    assert len(wire.names()) == 12
