"""A line of the log says what it is about by ids, and of an error its kind and its place, never its words."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError
from django.test import Client

from config import logs
from kyc import ingestion, tracing
from kyc.models import Delivery, User
from tests.kyc import mending
from tests.server import ROOT
from tests.test_settings import PRODUCTION

WORDS = "Ana Pérez was born in 1990"


class Kept(logging.Handler):
    """What production would write, as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.formatter("json"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def kept() -> Any:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def fail(*args: Any, **kwargs: Any) -> None:
    raise DataError(WORDS) from ValueError(WORDS)


@pytest.mark.django_db
def test_an_unhandled_error_is_told_by_its_kind_its_place_the_request_and_the_person(
    kept: Kept, officer: User, officer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyc.desk.queue.stats", fail)
    officer_client.raise_request_exception = False
    answer = officer_client.get("/queue/", {"q": "zebra"})
    (line,) = kept.lines

    assert answer.status_code == 500
    assert line["request_id"] == answer["X-Request-ID"] and line["actor"] == officer.pk
    assert line["error"] == "DataError of ValueError" and line["level"] == "error"
    assert line["places"][-1].startswith("tests/config/test_logs.py:")
    assert not {WORDS, "zebra"} & set(answer.content.decode().splitlines()) and WORDS not in str(line)


@pytest.mark.django_db
def test_what_somebody_typed_into_an_address_is_not_told(kept: Kept, admin_client: Client) -> None:
    answer = admin_client.get("/admin/kyc/session/", {"_to_field": f"{WORDS}\n"})
    (line,) = kept.lines

    assert answer.status_code == 400 and line["logger"] == "django.security.DisallowedModelAdminToField"
    assert line["message"] == line["error"] == "DisallowedModelAdminToField"


@pytest.mark.django_db
def test_a_delivery_that_fails_is_told_with_its_ids(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, post_event: Callable[..., Any], payload: Callable[..., Any]
) -> None:
    monkeypatch.setattr(ingestion.folding, "refold", fail)
    monkeypatch.setattr(ingestion.fastpath, "is_available", lambda: False)
    event = payload("kyc_session_failed")
    answer = post_event(event)
    (line,) = kept.lines

    assert (line["event"], line["delivery"]) == (event["id"], Delivery.objects.get().pk)
    assert line["request_id"] == answer["X-Request-ID"] and line["level"] == "error"


@pytest.mark.django_db
def test_a_try_of_the_worker_s_is_told_with_its_ids_and_no_request(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = mending.failed(monkeypatch)
    Delivery.objects.update(next_try_at=delivery.received_at)
    monkeypatch.setattr(ingestion, "_end_try", fail)
    kept.lines.clear()
    ingestion.retry_failed()
    (line,) = kept.lines

    assert line["delivery"] == delivery.pk and "request_id" not in line
    assert tracing.ids() == {}


def test_a_line_is_one_line_whatever_it_quotes() -> None:
    record = logging.LogRecord(
        "x", logging.INFO, "", 0, "Got %s\r\n\x1b[2J /queue/?q=%s", ("a\nb", "Ana"), None
    )

    for form in logs.FORMATS:
        text = logs.formatter(form).format(record)
        assert "\n" not in text and "\r" not in text and "Ana" not in text
        assert "[2J" in text


def test_an_error_that_a_library_quotes_is_told_by_its_kind() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "No connection: %s", (ValueError(WORDS),), None)

    assert json.loads(logs.formatter("json").format(record))["message"] == "No connection: ValueError"


CRASH = f"import django; django.setup(); raise ValueError({WORDS!r})"
IN_A_THREAD = f"""
import django, threading; django.setup()
def fail(): raise ValueError({WORDS!r})
thread = threading.Thread(target=fail, name="outgoing"); thread.start(); thread.join()
"""


@pytest.mark.parametrize("code", [CRASH, IN_A_THREAD])
@pytest.mark.own_database
def test_in_production_a_crash_is_a_line_like_any_other(code: str) -> None:
    environment = {**os.environ, **PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings"}
    crashed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    (line,) = map(json.loads, crashed.stderr.splitlines())

    assert line["level"] == "critical" and line["error"] == "ValueError" and WORDS not in crashed.stderr


def test_no_level_lets_a_library_write_rows_or_letters() -> None:
    root = logging.getLogger()
    before = root.level
    try:
        root.setLevel(logging.DEBUG)
        loud = [name for name in logs.QUIET if logging.getLogger(name).isEnabledFor(logging.DEBUG)]
    finally:
        root.setLevel(before)

    assert loud == []
