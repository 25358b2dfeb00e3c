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


def test_production_wants_a_host_to_answer_for(load: Any) -> None:
    assert load(DJANGO_ALLOWED_HOSTS="")["ALLOWED_HOSTS"] == []
    with pytest.raises(ImproperlyConfigured, match="DJANGO_ALLOWED_HOSTS"):
        load(**{**PRODUCTION, "DJANGO_ALLOWED_HOSTS": ""})


@pytest.mark.parametrize(
    "value", ["desk@example.test", "Désk <desk@example.test>", '"A, B" <desk@example.test>']
)
def test_mail_is_from_one_address_with_or_without_a_name(load: Any, value: str) -> None:
    assert load(DEFAULT_FROM_EMAIL=value)["DEFAULT_FROM_EMAIL"] == value


@pytest.mark.parametrize("value", [",", " , ,"])
@pytest.mark.parametrize("debug", ["true", "false"])
def test_secrets_that_are_all_empty_count_as_missing(load: Any, value: str, debug: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="RALIO_WEBHOOK_SECRETS"):
        load(**{**PRODUCTION, "DJANGO_DEBUG": debug, "RALIO_WEBHOOK_SECRETS": value})


def test_a_second_factor_is_required_in_production_unless_said_otherwise(load: Any) -> None:
    assert load()["KYC_MFA_REQUIRED"] is False
    assert load(**PRODUCTION)["KYC_MFA_REQUIRED"] is True
    assert load(**PRODUCTION, KYC_MFA_REQUIRED="false")["KYC_MFA_REQUIRED"] is False


def test_earlier_secret_keys_stay_readable_as_a_list(load: Any) -> None:
    assert load(DJANGO_SECRET_KEY_FALLBACKS=" old, ,older")["SECRET_KEY_FALLBACKS"] == ["old", "older"]


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
    ("KYC_MFA_REQUIRED", "perhaps"),
    ("KYC_SESSION_IDLE_MINUTES", "0"),
    ("KYC_SESSION_HOURS", "all day"),
    ("OIDC_ISSUER", "hunter2"),
    ("OIDC_ISSUER", "https://user:hunter2@sso.example.test"),
    ("OIDC_ROLES", "officer"),
    ("OIDC_ROLES", "kyc-officers:boss"),
    ("OIDC_ROLES", "kyc:officer, kyc:admin"),
    ("OIDC_ORIGINS", "adfs.example.test"),
    ("OIDC_TRUSTS_MFA", "perhaps"),
    ("KYC_SEAL_TIME", "midnight"),
    ("KYC_LEGAL_MINIMUM_DAYS", "five years"),
    ("KYC_LEGAL_MINIMUM_DAYS", "-1"),
    ("KYC_LEGAL_MINIMUM_DAYS", "36526"),
    ("KYC_RETAIN_BODIES_DAYS", "1825"),
    ("KYC_RETAIN_CHECKS_DAYS", "forever"),
    ("KYC_RETAIN_CONTACTS_DAYS", "0"),
    ("KYC_RETAIN_NOTES_DAYS", "10000000000000"),
    ("KYC_RETAIN_MESSAGES_DAYS", "2000.5"),
    ("KYC_SEAL_EMAILS", "notary@example.test, nobody"),
    ("KYC_SEARCHES_PER_MINUTE", "0"),
    ("KYC_EXPORTS_PER_HOUR", "none"),
    ("DJANGO_DEBUG", ""),
    ("KYC_MFA_REQUIRED", ""),
    ("DJANGO_ALLOWED_HOSTS", "https://desk.example.test"),
    ("DJANGO_ALLOWED_HOSTS", "desk.example.test:8000"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://desk.example.test/path"),
    ("DESK_URL", "https://user:hunter2@desk.example.test"),
    ("DESK_URL", "https://desk.example.test?key=hunter2"),
    ("OIDC_ORIGINS", "https://adfs.example.test/path"),
    ("DATABASE_URL", "postgres://user:hunter2@host"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("EMAIL_URL", "smtp://"),
    ("EMAIL_URL", "filemail://"),
    ("DEFAULT_FROM_EMAIL", ""),
    ("DEFAULT_FROM_EMAIL", "KYC Desk"),
    ("DEFAULT_FROM_EMAIL", "KYC Desk <desk@example.test"),
    ("DEFAULT_FROM_EMAIL", "desk@example.test, other@example.test"),
    ("DEFAULT_FROM_EMAIL", "KYC\nDesk <desk@example.test>"),
    ("KYC_SUBJECT_MAILS", ""),
    ("KYC_REVIEW_SLA_HOURS", "9" * 11),
    ("KYC_CLAIM_MINUTES", "9" * 11),
    ("KYC_SESSION_HOURS", "9" * 30),
    ("KYC_INBOX_SILENCE_GAPS", "9" * 30),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
]


API = {
    "RALIO_API_URL": "https://api.example.test/",
    "RALIO_API_CODE": "code",
    "RALIO_API_KEY": "hunter2",
}


COMPANY = {
    "OIDC_ISSUER": "https://sso.example.test/realms/acme/",
    "OIDC_CLIENT_ID": "desk",
    "OIDC_CLIENT_SECRET": "hunter2",
    "OIDC_ROLES": "kyc-officers:officer, urn:acme:kyc:supervisor",
}


def test_the_identity_provider_is_off_until_it_is_set(load: Any) -> None:
    assert (load()["OIDC_ISSUER"], load()["OIDC_TRUSTS_MFA"]) == ("", False)
    settings = load(**COMPANY)
    assert settings["OIDC_ISSUER"] == "https://sso.example.test/realms/acme"
    assert settings["OIDC_ROLES"] == {"kyc-officers": "officer", "urn:acme:kyc": "supervisor"}


@pytest.mark.parametrize("missing", COMPANY)
def test_a_part_of_the_identity_provider_that_is_missing_is_named(load: Any, missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{missing} ") as refused:
        load(**{**COMPANY, missing: ""})

    assert "hunter2" not in str(refused.value)


def test_in_production_the_identity_provider_s_word_travels_encrypted(load: Any) -> None:
    company = {**COMPANY, "OIDC_ISSUER": "http://sso.example.test"}

    assert load(**company)["OIDC_ISSUER"] == "http://sso.example.test"
    with pytest.raises(ImproperlyConfigured, match="OIDC_ISSUER must begin with https://"):
        load(**PRODUCTION, **company)


def test_a_sign_in_lasts_a_working_day(load: Any) -> None:
    settings = load(KYC_SESSION_IDLE_MINUTES="10", KYC_SESSION_HOURS="8")
    assert (settings["KYC_SESSION_IDLE"], settings["KYC_SESSION"]) == (
        timedelta(minutes=10),
        timedelta(hours=8),
    )
    assert load(**PRODUCTION)["SESSION_COOKIE_NAME"] == "__Host-sessionid"
    assert settings["SESSION_COOKIE_AGE"] == 8 * 3600 and settings["SESSION_COOKIE_SAMESITE"] == "Strict"


def test_ralios_api_is_off_until_it_is_set(load: Any) -> None:
    settings = load()
    assert [settings[name] for name in API] == ["", "", ""]
    settings = load(**API)
    assert [settings[name] for name in API] == ["https://api.example.test", "code", "hunter2"]


def test_the_digest_s_time_is_a_time_or_none(load: Any) -> None:
    assert load()["KYC_DIGEST_TIME"] == time(8)
    assert load(KYC_DIGEST_TIME=" 17:30 ")["KYC_DIGEST_TIME"] == time(17, 30)
    assert load(KYC_DIGEST_TIME="none")["KYC_DIGEST_TIME"] is None


def test_the_ledger_is_sealed_a_quarter_past_midnight_unless_said_otherwise(load: Any) -> None:
    assert (load()["KYC_SEAL_TIME"], load()["KYC_SEAL_EMAILS"]) == (time(0, 15), [])
    assert load(KYC_SEAL_TIME="none")["KYC_SEAL_TIME"] is None


@pytest.mark.parametrize("missing", API)
def test_a_part_of_ralios_api_that_is_missing_is_named(load: Any, missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{missing} must be set too") as refused:
        load(**{**API, missing: " "})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_start_and_names_itself(load: Any, name: str, value: str) -> None:
    if name in API:
        load(**API)
    if name in COMPANY:
        load(**COMPANY)
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


def test_lines_are_for_programs_in_production_and_for_people_elsewhere(load: Any) -> None:
    assert load()["LOGGING"]["formatters"]["line"]["form"] == "console"
    assert load(**PRODUCTION)["LOGGING"]["formatters"]["line"]["form"] == "json"
    assert load(**PRODUCTION, LOG_FORMAT="console")["LOGGING"]["formatters"]["line"]["form"] == "console"


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


def test_each_kind_of_data_is_kept_for_a_time_of_its_own_and_not_less_than_the_law_has_it(load: Any) -> None:
    assert set(load()["KYC_RETENTION"].values()) == {None}
    named = {
        "KYC_LEGAL_MINIMUM_DAYS": "365",
        "KYC_RETAIN_NOTES_DAYS": "365",
        "KYC_RETAIN_BODIES_DAYS": "none",
    }
    settings = load(**named)
    assert settings["KYC_RETENTION"]["notes"] == settings["KYC_LEGAL_MINIMUM"] == timedelta(days=365)
    assert settings["KYC_RETENTION"]["bodies"] is None
    with pytest.raises(
        ImproperlyConfigured, match="KYC_RETAIN_NOTES_DAYS must be at least KYC_LEGAL_MINIMUM_DAYS"
    ):
        load(**{**named, "KYC_RETAIN_NOTES_DAYS": "364"})
