"""Events that we could not take, our side mended, the command that replays, and every row of every table."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from kyc import folding
from kyc.models import Delivery, RefusedRequest
from kyc.ralio import events
from tests import wire

OLD_SECRET = "the-secret-of-last-week"


def unreadable(name: str = "kyc_session_failed.g2", **members: Any) -> Delivery:
    """Post an event whose session id we cannot read, for it has no dashes; return how it was kept."""
    event = wire.payload(name, **members)
    event["data"]["sessionId"] = UUID(event["data"]["sessionId"]).hex
    assert wire.post(event).status_code == 400
    return Delivery.objects.get(status="quarantined", event_id=event.get("id") or event["eventId"])


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on we read ids without dashes too."""
    monkeypatch.setattr(events, "_UUID", re.compile(r"[0-9a-f-]{32,36}", re.ASCII | re.IGNORECASE))


def broken(*args: Any, **kwargs: Any) -> Any:
    raise ValueError("Doe, John")


def failed(monkeypatch: pytest.MonkeyPatch, name: str = "kyc_session_failed.g2", **members: Any) -> Delivery:
    """Post an event while our own code fails; return how it was kept."""
    event = wire.payload(name, **members)
    with monkeypatch.context() as patch:
        for function in ("write", "first"):
            patch.setattr(folding, function, broken, raising=False)
        assert wire.post(event).status_code == 200
    return Delivery.objects.get(status="failed", event_id=event.get("id") or event["eventId"])


def refused(event: dict[str, Any] | bytes, *, secret: str = OLD_SECRET) -> RefusedRequest:
    """Post an event under a secret that is not ours today; return how it was kept."""
    assert wire.post(event, secret=secret).status_code == 401
    return RefusedRequest.objects.latest("pk")


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows[table] = sorted(cursor.fetchall(), key=repr)
    return rows


def replay_says(*arguments: str) -> str:
    """Return what the command prints."""
    out = io.StringIO()
    call_command("replay_deliveries", *arguments, stdout=out)
    return out.getvalue()


def replay_fails(*arguments: str) -> tuple[str, CommandError]:
    """Return what the command prints, and the error that it ends with."""
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("replay_deliveries", *arguments, stdout=out)
    return out.getvalue(), refusal.value
