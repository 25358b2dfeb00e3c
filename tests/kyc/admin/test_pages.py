"""Each list and each page of the admin opens, in a fixed number of queries, none of which counts a whole table."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kyc.admin.base import CappedPaginator
from kyc.models import LedgerEntry
from tests.kyc.admin.conftest import PAGES, url

# The cookie's session, and the person with their role and its permissions are 2 of each.
# Whose list is a read that is recorded, as each of its pages is.
LISTED = "kyc.contact"
IN_A_LIST = dict.fromkeys(PAGES, 4) | {"kyc.user": 6, LISTED: 7}
# Where the read is recorded, that takes 3 more; PostgreSQL spares one of them.
SHOWN = (
    "check",
    "contact",
    "correction",
    "decision",
    "delivery",
    "enquiry",
    "note",
    "reason",
    "refusedrequest",
    "session",
)
RECORDED = frozenset(f"kyc.{name}" for name in SHOWN)
ON_A_PAGE = {
    "auth.group": 5, "kyc.check": 9, "kyc.contact": 6, "kyc.correction": 7, "kyc.decision": 7, "kyc.delivery": 6,
    "kyc.ledgerentry": 3, "kyc.ledgerhead": 3, "kyc.reason": 9, "kyc.reasoncode": 3, "kyc.refusedrequest": 6,
    "kyc.session": 10, "kyc.user": 9, "kyc.enquiry": 6, "kyc.eventname": 3, "kyc.inboxalarm": 3, "kyc.note": 7,
    "kyc.seal": 3, "kyc.sealedhead": 4,
}  # fmt: skip


@pytest.mark.parametrize("label", PAGES)
def test_a_list_opens(
    admin_client: Client,
    row_of: Callable[[str], Model],
    queries: Callable[[int], AbstractContextManager[None]],
    label: str,
) -> None:
    admin_client.get(url(label, "changelist"))
    with queries(IN_A_LIST[label] - (label == LISTED and connection.vendor == "postgresql")):
        answer = admin_client.get(url(label, "changelist"))

    assert answer.status_code == 200
    assert url(row_of(label)) in answer.content.decode()


@pytest.mark.parametrize("label", PAGES)
def test_a_page_opens(
    admin_client: Client,
    row_of: Callable[[str], Model],
    queries: Callable[[int], AbstractContextManager[None]],
    label: str,
) -> None:
    row = row_of(label)
    admin_client.get(url(row))
    with queries(ON_A_PAGE[label] - (label in RECORDED and connection.vendor == "postgresql")):
        answer = admin_client.get(url(row))

    assert answer.status_code == 200
    assert answer.context["original"] == row


@pytest.mark.parametrize("label", PAGES)
def test_no_list_counts_a_whole_table(admin_client: Client, one_of_each: None, label: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(url(label, "changelist"), {"q": "0a1b2c3d"})
        admin_client.get(url(label, "changelist"))
    counts = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]

    assert counts
    assert all(re.search(r"LIMIT 1001\)", sql) for sql in counts), counts


def test_a_list_has_no_more_than_a_thousand_rows() -> None:
    paginator = CappedPaginator(LedgerEntry.objects.order_by("-id"), 50)
    paginator.__dict__["count"] = 1001

    assert paginator.num_pages == 20


@pytest.mark.parametrize("label", PAGES)
def test_a_search_for_nothing_finds_nothing(admin_client: Client, one_of_each: None, label: str) -> None:
    for term in ("0a1b2c3d", "not a uuid", "x" * 500, "%", "'\"", "²³²³²³²³", "0" * 40):
        answer = admin_client.get(url(label, "changelist"), {"q": term})

        assert (answer.status_code, answer.context["cl"].result_count) == (200, 0), term
