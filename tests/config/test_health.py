from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from config import health


def test_a_live_process_says_so_without_the_database() -> None:
    assert Client().get("/health/live").json() == {"live": True}


@pytest.mark.django_db
def test_a_migrated_desk_is_ready() -> None:
    response = Client().get("/health/ready", headers={"Host": "10.0.0.7"})
    assert (response.status_code, response.json()) == (200, {"ready": True})


def test_a_desk_without_its_database_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("secret host")

    monkeypatch.setattr(health, "MigrationExecutor", away)
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert "secret" not in response.content.decode()


@pytest.mark.django_db
def test_a_desk_with_migrations_to_apply_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [1, 2])
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["cause"]) == (503, "2 migrations have not been applied.")


def test_health_only_answers_safe_methods() -> None:
    assert Client().post("/health/live").status_code == 405
