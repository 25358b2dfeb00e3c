"""What every test may ask for: people, their clients, Ralio's signed deliveries, and pinned query counts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from kyc import refusals
from kyc.models import User
from notifications import recipients
from tests import copies, flush, wire
from tests.factories import UserFactory

AUTHENTICATION_METHODS_USER_KEY = "account_authentication_methods_user"
RUN_ONCE = ("own_database", "looks", "walk")
DATABASE = {"db", "transactional_db", "live_server"}

# The same examples on every run: a failure in CI fails here too. `--hypothesis-profile=search` looks for new ones.
SLOW_MACHINE = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
hypothesis_settings.register_profile(
    "steady", derandomize=True, max_examples=100, database=None, **SLOW_MACHINE
)
hypothesis_settings.register_profile("search", max_examples=2000, **SLOW_MACHINE)
hypothesis_settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    # Argon2 is slow on purpose; the tests of sign-in still hash, only quickly.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.engine != "postgresql":
        return
    once = pytest.mark.skip(reason="It runs once: with --engine=sqlite.")
    for item in items:
        if not depends_on_engine(item):
            item.add_marker(once)


def depends_on_engine(item: pytest.Item) -> bool:
    """Return whether each engine has something of its own to prove in a test. A page looks the same on both, and who
    never asks for the database is refused it."""
    if item.get_closest_marker("each_engine"):
        return True
    fixtures: set[str] = set(getattr(item, "fixturenames", ()))
    if "browser" in fixtures or any(item.get_closest_marker(name) for name in RUN_ONCE):
        return False
    return bool(item.get_closest_marker("django_db") or fixtures & DATABASE)


# --- The database --------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Give each process its own test database; on SQLite a file, for threads cannot share one in memory."""
    run = getattr(request.config, "workerinput", {}).get("workerid", "main")
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        name = str(Path(database["NAME"]).with_name(f"test_{run}.sqlite3"))
    else:
        # Several runs may share the server that KYC_TEST_POSTGRES_URL names.
        name = f"test_kyc_{os.environ.get('PYTEST_XDIST_TESTRUNUID', str(os.getpid()))[:12]}_{run}"
    database.setdefault("TEST", {})["NAME"] = name
    # Several threads of a test on a busy machine may have to wait for each other longer than people should.
    options = database["OPTIONS"]
    options.get("pool", options)["timeout"] = 60
    if run != "main":
        copies.teach(connection)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        flush.teach(connection)
        yield
        flush.disconnect_others(connection)
        copies.forget(connection)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    """Let no test know who wanted to hear of what in the one before, nor have less room for what is refused."""
    recipients.remembered.clear()
    for allowance in refusals._allowances.values():
        allowance.most = 0.0


# --- People --------------------------------------------------------------------------------------
@pytest.fixture
def officer(db: None) -> User:
    return UserFactory(username="officer", role="officer")


@pytest.fixture
def supervisor(db: None) -> User:
    return UserFactory(username="supervisor", role="supervisor")


@pytest.fixture
def auditor(db: None) -> User:
    return UserFactory(username="auditor", role="auditor")


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(username="admin", role="admin")


@pytest.fixture
def outsider(db: None) -> User:
    """Someone who can sign in and has no role."""
    return UserFactory(username="outsider")


def signed_in(person: User, *, minutes_ago: float = 0, method: str = "mfa", **how: Any) -> Client:
    """Return the client of somebody who gave their second factor so long ago, or signed in by password alone."""
    client = Client(**how)
    client.force_login(person)
    session = client.session
    record = {"method": method, "at": time.time() - 60 * minutes_ago}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [record]
    session[AUTHENTICATION_METHODS_USER_KEY] = str(person.pk)
    session.save()
    return client


@pytest.fixture
def officer_client(officer: User) -> Client:
    return signed_in(officer)


@pytest.fixture
def supervisor_client(supervisor: User) -> Client:
    return signed_in(supervisor)


@pytest.fixture
def auditor_client(auditor: User) -> Client:
    return signed_in(auditor)


@pytest.fixture
def admin_client(admin: User) -> Client:
    return signed_in(admin)


@pytest.fixture
def outsider_client(outsider: User) -> Client:
    return signed_in(outsider)


@pytest.fixture
def stale_client() -> Callable[[User], Client]:
    """`stale_client(supervisor)`: of somebody who gave their second factor eleven minutes ago."""
    return lambda person: signed_in(person, minutes_ago=11)


# --- Ralio ---------------------------------------------------------------------------------------
@pytest.fixture
def payload() -> Callable[..., dict[str, Any]]:
    """`payload("kyc_session_failed.g2", user_id=…, checks=[…])`: an example with fresh ids. See `wire.payload`."""
    return wire.payload


@pytest.fixture
def sign() -> Callable[..., str]:
    return wire.sign


@pytest.fixture
def post_event(db: None) -> Callable[..., Any]:
    """`post_event(payload(…))` signs and posts to the webhook, and returns the response. See `wire.post`."""
    return wire.post


# --- Counts --------------------------------------------------------------------------------------
@pytest.fixture
def queries() -> Callable[[int], AbstractContextManager[None]]:
    """`with queries(7): client.get(…)` pins a page's number of queries, and lists them when it differs."""

    @contextmanager
    def exactly(number: int) -> Iterator[None]:
        with CaptureQueriesContext(connection) as captured:
            yield
        listed = "\n".join(query["sql"] for query in captured.captured_queries)
        assert len(captured) == number, f"{len(captured)} queries, not {number}:\n{listed}"

    return exactly
