"""A value that few rows have is found by its index: PostgreSQL reckons with the average value, of which any place has one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from kyc.choices import FacetKind
from kyc.desk import deliveries_chips, evidence, facets, rejection_menus
from kyc.desk.rejections import Filters
from kyc.models import Delivery, QueueFacet, RejectionReason, Session
from tests.factories import (
    DeliveryFactory,
    QueueFacetFactory,
    ReasonCodeFactory,
    RejectionReasonFactory,
    SessionFactory,
)

# With fewer, PostgreSQL takes the index in any case.
MANY = 2000


@pytest.fixture(autouse=True)
def large_scale(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL alone weighs an index against the table.")


def plan(ask: Callable[[], object], table: str) -> str:
    """Return the plans of the statements that ask a table, as of statistics that know all its rows."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    lines = []
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
        # Nor does it with millions.
        cursor.execute("SET LOCAL enable_sort = off")
        for sql in (query["sql"] for query in captured.captured_queries if table in query["sql"]):
            cursor.execute(f"EXPLAIN {sql.replace('%', '%%')}", ())
            lines += [row for (row,) in cursor.fetchall()]
    assert lines
    return "\n".join(lines)


def many_sessions() -> list[Session]:
    return Session.objects.bulk_create(SessionFactory.build_batch(MANY))


def test_of_a_code_in_the_queue() -> None:
    common = [QueueFacetFactory.build(session=session) for session in many_sessions()]
    QueueFacet.objects.bulk_create(common)
    QueueFacetFactory(session=common[0].session, value="RARE")
    shown = plan(lambda: facets.menus({}), "kyc_queuefacet")

    assert "Seq Scan on kyc_queuefacet" not in shown
    assert {option.value for option in facets.menus({})[FacetKind.CODE].options} == {"LOW_CONFIDENCE", "RARE"}


def test_of_a_code_and_of_a_category_in_the_history() -> None:
    sessions = many_sessions()
    common = [RejectionReasonFactory.build(session=session) for session in sessions]
    RejectionReason.objects.bulk_create(common)
    RejectionReasonFactory(
        session=sessions[0], category="RARE", code="RARE", rejected_at=common[0].rejected_at
    )
    for reason in common[0], RejectionReason.objects.get(code="RARE"):
        ReasonCodeFactory(code=reason.code)
    filters = Filters.read(QueryDict("days=all"))
    found = {facet.name: facet.choices for facet in rejection_menus.facets(filters, None)}

    def ask() -> None:
        rejection_menus.facets(filters, None)
        list(evidence.catalogue(["RARE"], sessions[0]))

    assert "Seq Scan on kyc_rejectionreason" not in plan(ask, "kyc_rejectionreason")
    assert {option.value for option in found[rejection_menus.CATEGORY]} == {"DOC", "RARE"}
    assert {option.value for option in found[rejection_menus.CODE]} == {"KYC.DOC.DETERIORATED", "RARE"}


def test_of_an_event_s_name_among_the_deliveries() -> None:
    Delivery.objects.bulk_create(DeliveryFactory.build_batch(MANY, is_record=True))
    DeliveryFactory(event_name="rare_event")

    shown = plan(deliveries_chips.event_names, "kyc_delivery")
    assert "Seq Scan on kyc_delivery" not in shown and "kyc_delivery_pkey" not in shown
    assert deliveries_chips.event_names() == ["kyc_state_updated", "rare_event"]
