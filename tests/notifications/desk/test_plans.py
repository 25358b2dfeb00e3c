"""The notifications' pages read the indexes made for them, whatever the address asks for, and never the whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc.desk.paging import paginate
from kyc.models import User
from notifications.choices import Kind, Status
from notifications.desk.filters import Filters
from notifications.desk.life import life
from notifications.desk.tabs import numbers
from notifications.models import Notification
from tests.factories import NotificationFactory, SessionFactory

pytestmark = pytest.mark.django_db
TABLE = "notifications_notification"
# SQLite names the indexes of constraints by itself.
OF_SESSION = {"postgresql": f"{TABLE}_once", "sqlite": "(session_id=?"}
OF_CHAIN = {"postgresql": "kyc_ledger_entry_once", "sqlite": "(chain=? AND seq>?)"}


@pytest.fixture(autouse=True)
def no_shortcuts() -> Iterator[None]:
    """Have PostgreSQL read a small table as it would read a large one."""
    with transaction.atomic():
        for status in Status:
            NotificationFactory(status=status)
        if connection.vendor == "postgresql":
            # Enough that it tells one index from another.
            about = {"kind": Kind.DAILY_DIGEST, "recipient": "person:1", "status": Status.CANCELLED}
            Notification.objects.bulk_create(
                Notification(**about, occasion=str(day), event_at=timezone.now()) for day in range(500)
            )
            with connection.cursor() as cursor:
                cursor.execute(f"ANALYZE {TABLE}")
                for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        yield


def plan(ask: Callable[[], object]) -> str:
    """Return the plans of the queries that an act makes of messages."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    lines = []
    for sql in (query["sql"] for query in captured.captured_queries if "SELECT" in query["sql"]):
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql.replace('%', '%%')}", ())
            lines += [str(row[-1]).strip() for row in cursor.fetchall()]
    assert lines
    return "\n".join(lines)


def reads_no_table(shown: str, *names: str) -> bool:
    whole = {f"SCAN {name}" for name in (TABLE, "U0", "kyc_session", "kyc_ledgerentry", *names)}
    return "Seq Scan" not in shown and not whole & set(shown.splitlines())


def sorts(shown: str) -> bool:
    return "Sort" in shown or "TEMP B-TREE FOR ORDER BY" in shown


@pytest.mark.parametrize(
    ("query", "index", "n_ranges"),
    [
        ("", "notifications_newest", 1),
        ("from=2026-03-01&to=2026-03-02", "notifications_newest", 1),
        ("status=due", "notifications_by_status", 1),
        ("status=needs-a-person", "notifications_by_status", 3),
        ("status=sent&from=2026-03-01", "notifications_by_status", 1),
        ("status=needs-a-person&kind=verified", "notifications_by_status", 3),
        ("kind=verified", "notifications_by_kind", 1),
        ("whom=subjects&from=2026-03-01", "notifications_by_kind", 4),
        ("status=sent&whom=subjects", "notifications_by_kind", 4),
    ],
)
def test_a_page_is_a_few_ranges_of_one_index(query: str, index: str, n_ranges: int) -> None:
    found = Filters.read(QueryDict(query)).rows()
    for params in (QueryDict(query), QueryDict(paginate(found, QueryDict(query), size=1).next or query)):
        shown = plan(lambda params=params: paginate(found, params, size=1))

        assert reads_no_table(shown)
        if connection.vendor == "sqlite" and found.sieve:
            # It reads some index; without statistics, not always the one that leaves least to be sieved.
            continue
        assert shown.count(index) >= n_ranges and not sorts(shown)


def test_a_search_goes_from_the_sessions_to_their_messages() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # The few that it finds are put in order.
            cursor.execute("SET LOCAL enable_sort = on")
    filters = Filters.read(QueryDict(f"q={str(SessionFactory().pk)[:8]}"))
    shown = plan(lambda: paginate(filters.rows(), QueryDict(), size=1))

    assert reads_no_table(shown) and OF_SESSION[connection.vendor] in shown


def test_the_tabs_count_in_an_index() -> None:
    person = User.objects.create(username="someone")
    shown = plan(lambda: numbers(person))

    # Those that wait have a smaller one of their own.
    n_ranges = shown.count("notifications_by_status") + shown.count("notifications_waiting")
    assert reads_no_table(shown) and n_ranges == len(Status)


def test_a_message_s_life_is_read_off_the_end_of_its_chain() -> None:
    shown = plan(lambda: life(NotificationFactory()))

    assert reads_no_table(shown) and OF_CHAIN[connection.vendor] in shown
