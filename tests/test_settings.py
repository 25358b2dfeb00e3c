"""A setting that is missing or wrong stops the start and names itself, without repeating a secret."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.engines import OUR_VARIABLES

ROOT = Path(__file__).parent.parent
PRODUCTION = {
    "DJANGO_DEBUG": "false",
    "DJANGO_SECRET_KEY": "s" * 60,
    "DJANGO_ALLOWED_HOSTS": "desk.example.test",
    "RALIO_WEBHOOK_SECRETS": "one",
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the settings that exactly these variables make."""
    for name in [name for name in os.environ if name.startswith(OUR_VARIABLES)]:
        monkeypatch.delenv(name)

    def load(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "config" / "settings.py"))

    return load


def test_development_needs_no_setting(load: Any) -> None:
    settings = load()

    assert settings["DEBUG"] is True
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert settings["RALIO_WEBHOOK_SECRETS"] == ["development-webhook-secret"]


def test_production_starts_with_its_settings_and_enforces_https(load: Any) -> None:
    settings = load(**PRODUCTION)

    assert settings["DEBUG"] is False
    assert (
        settings["SECURE_SSL_REDIRECT"]
        and settings["SESSION_COOKIE_SECURE"]
        and settings["CSRF_COOKIE_SECURE"]
    )


@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "RALIO_WEBHOOK_SECRETS"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_production_refuses_to_start_without_a_secret(load: Any, name: str, value: str | None) -> None:
    variables = {key: kept for key, kept in PRODUCTION.items() if key != name}

    with pytest.raises(ImproperlyConfigured, match=name):
        load(**variables, **({} if value is None else {name: value}))


@pytest.mark.parametrize("value", [",", " , ,"])
@pytest.mark.parametrize("debug", ["true", "false"])
def test_secrets_that_are_all_empty_count_as_missing(load: Any, value: str, debug: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="RALIO_WEBHOOK_SECRETS"):
        load(**{**PRODUCTION, "DJANGO_DEBUG": debug, "RALIO_WEBHOOK_SECRETS": value})


def test_secrets_rotate_as_a_list(load: Any) -> None:
    assert load(RALIO_WEBHOOK_SECRETS=" new, ,old ,")["RALIO_WEBHOOK_SECRETS"] == ["new", "old"]


WRONG = [
    ("DJANGO_DEBUG", "perhaps"),
    ("DJANGO_BEHIND_PROXY", "2"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "desk.hunter2.test"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "hunter2"),
    ("DATABASE_URL", "pigeon://user:hunter2@host/kyc"),
    ("DATABASE_URL", "oracle://user:hunter2@host/kyc"),
    ("DATABASE_URL", "postgres://user:hunter2@host:port/kyc"),
    ("RALIO_WEBHOOK_MAX_BYTES", "0"),
    ("RALIO_WEBHOOK_MAX_BYTES", "8 MiB"),
    ("RALIO_REFUSED_MAX_ROWS", "-1"),
    ("RALIO_REFUSED_MAX_BYTES", "many"),
    ("RALIO_API_URL", "hunter2"),
    ("RALIO_API_URL", "ftp://api.example.test"),
    ("RALIO_API_URL", "https://user:hunter2@api.example.test"),
    ("RALIO_API_URL", "https://api.example.test?key=hunter2"),
    ("RALIO_API_URL", "https://api.example.test,https://other.example.test"),
    ("RALIO_API_URL", "https://[api.example.test"),
    ("RALIO_API_URL", "https://api.example.test:port"),
    ("DESK_URL", "hunter2"),
    ("EMAIL_URL", "pigeon://user:hunter2@host"),
    ("EMAIL_URL", "smtp://user:hunter2@host:port"),
    ("COMPLIANCE_TEAM_EMAILS", "team@example.test, nobody"),
    ("KYC_REVIEW_SLA_HOURS", "0"),
    ("KYC_REVIEW_SLA_HOURS", "soon"),
    ("KYC_DUE_SOON_HOURS", "-4"),
    ("KYC_BUSINESS_HOURS", "9 to 5"),
    ("KYC_BUSINESS_HOURS", "Mon-Fri 09:00-17:30,"),
    ("KYC_BUSINESS_HOURS", "Mon-Fry 09:00-17:30"),
    ("KYC_BUSINESS_HOURS", "Mon 17:30-09:00"),
    ("KYC_BUSINESS_HOURS", "Mon 09:00-25:00"),
    ("KYC_BUSINESS_HOURS", "Mon-Fri 09:00-14:00, Wed 13:00-18:00"),
    ("KYC_BUSINESS_HOURS", "Mon-Fri 09:00-24:00, Wed 23:00-24:00"),
    ("KYC_HOLIDAYS_COUNTRY", "Spain"),
    ("KYC_HOLIDAYS_COUNTRY", "XX"),
    ("KYC_HOLIDAYS_COUNTRY", "ES-ZZ"),
    ("KYC_INBOX_SILENCE_GAPS", "1"),
    ("KYC_INBOX_SILENCE_MINUTES", "0"),
    ("KYC_INBOX_WRONG_SIGNATURES", "0"),
    ("KYC_INBOX_REFUSED", "none"),
    ("KYC_INBOX_QUARANTINED_MINUTES", "-1"),
    ("KYC_INBOX_FAILED_TRIES", "0"),
    ("KYC_INBOX_REPEATS_PERCENT", "20%"),
    ("KYC_TIME_ZONE", "Mars/Olympus"),
    ("KYC_TIME_ZONE", "../../etc/passwd"),
    ("KYC_DIGEST_TIME", "25:00"),
    ("KYC_DIGEST_TIME", "8"),
    ("KYC_DIGEST_TIME", ""),
    ("LOG_LEVEL", "LOUD"),
]


API = {
    "RALIO_API_URL": "https://api.example.test/",
    "RALIO_API_CODE": "code",
    "RALIO_API_KEY": "hunter2",
}


def test_ralios_api_is_off_until_it_is_set(load: Any) -> None:
    settings = load()
    assert [settings[name] for name in API] == ["", "", ""]
    settings = load(**API)
    assert [settings[name] for name in API] == ["https://api.example.test", "code", "hunter2"]


def test_the_digest_s_time_is_a_time_or_none(load: Any) -> None:
    assert load()["KYC_DIGEST_TIME"] == time(8)
    assert load(KYC_DIGEST_TIME=" 17:30 ")["KYC_DIGEST_TIME"] == time(17, 30)
    assert load(KYC_DIGEST_TIME="none")["KYC_DIGEST_TIME"] is None


@pytest.mark.parametrize("missing", API)
def test_a_part_of_ralios_api_that_is_missing_is_named(load: Any, missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{missing} must be set too") as refused:
        load(**{**API, missing: " "})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_start_and_names_itself(load: Any, name: str, value: str) -> None:
    if name in API:
        load(**API)
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        load(**{name: value})

    assert "hunter2" not in str(refused.value)


def test_postgresql_comes_with_a_pool_that_gives_up_within_five_seconds(load: Any) -> None:
    options = load(DATABASE_URL="postgres://user:password@db:5432/kyc", DATABASE_POOL_SIZE="7")["DATABASES"][
        "default"
    ]["OPTIONS"]

    assert options["pool"]["max_size"] == 7
    assert options["pool"]["timeout"] < 5

    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_SIZE"):
        load(DATABASE_URL="postgres://user:password@db:5432/kyc", DATABASE_POOL_SIZE="0")


def test_sqlite_keeps_what_was_acknowledged_and_takes_the_write_lock_first(load: Any) -> None:
    options = load()["DATABASES"]["default"]["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"] and "journal_mode=WAL" in options["init_command"]


def test_hours_become_spans(load: Any) -> None:
    settings = load(KYC_REVIEW_SLA_HOURS="48", KYC_DUE_SOON_HOURS="6")

    assert (settings["KYC_REVIEW_SLA"], settings["KYC_DUE_SOON"]) == (timedelta(hours=48), timedelta(hours=6))


def test_holidays_need_business_hours(load: Any) -> None:
    hours = "Mon-Thu 09:00-18:00, Fri 09:00-14:00"
    settings = load(KYC_BUSINESS_HOURS=hours, KYC_HOLIDAYS_COUNTRY="ES-MD")
    assert (settings["KYC_BUSINESS_HOURS"], settings["KYC_HOLIDAYS_COUNTRY"]) == (hours, "ES-MD")

    with pytest.raises(ImproperlyConfigured, match="KYC_HOLIDAYS_COUNTRY needs KYC_BUSINESS_HOURS"):
        load(KYC_BUSINESS_HOURS="", KYC_HOLIDAYS_COUNTRY="ES-MD")


@pytest.mark.parametrize(("value", "is_trusted"), [("true", True), ("false", False)])
def test_the_proxy_s_word_counts_only_when_told(load: Any, value: str, is_trusted: bool) -> None:
    assert ("SECURE_PROXY_SSL_HEADER" in load(DJANGO_BEHIND_PROXY=value)) is is_trusted


def test_a_command_refuses_to_start_and_says_why() -> None:
    environment = {**os.environ, **PRODUCTION, "DJANGO_SECRET_KEY": ""}

    refused = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode != 0
    assert "DJANGO_SECRET_KEY is not set" in refused.stderr


def test_in_production_the_key_of_the_api_travels_encrypted(load: Any) -> None:
    api = {"RALIO_API_URL": "http://api.example.test", "RALIO_API_CODE": "code", "RALIO_API_KEY": "key"}

    assert load(**api)["RALIO_API_URL"] == "http://api.example.test"
    with pytest.raises(ImproperlyConfigured, match="RALIO_API_URL must begin with https://"):
        load(**PRODUCTION, **api)
