"""The session page costs at most ten queries, whoever opens it and however the session stands, sign-in included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc import review
from kyc.choices import Outcome
from kyc.models import Decision, Delivery, Enquiry, ReasonCode, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import again, arrive, newest_delivery, refused
from tests.kyc.desk.panels import WORDS, decide, reject, seen

pytestmark = pytest.mark.django_db
MOST = 10


def known() -> Session:
    """Return a session in review whose subject was here before and whose code people have decided before."""
    earlier = arrive("REVIEW", hours=90, checks=[refused()])
    decided(earlier, UserFactory(username="officer.z", role="officer"), Outcome.REJECT)
    return arrive("REVIEW", user_id=earlier.user_id, checks=[refused(), refused("OTHER")])


def decided(session: Session, by: User, outcome: Outcome) -> Decision:
    saw = review.Seen(session.version, newest_delivery(session).pk)
    if outcome == Outcome.REJECT:
        return review.reject(session.pk, by=by, seen=saw, codes=["NO_MATCH"], rationale=WORDS)
    return review.approve(session.pk, by=by, seen=saw, rationale=WORDS)


def claimed(officer: User, supervisor: User) -> Session:
    """Return a session whose claim is to be renewed when its holder opens the page."""
    session = known()
    review.claim(session.pk, by=officer)
    review.ask(session.pk, by=supervisor)
    soon = timezone.now() + timedelta(minutes=5)
    Session.objects.filter(pk=session.pk).update(claimed_until=soon)
    return session


def proposed(officer: User, supervisor: User) -> Session:
    session = known()
    decided(session, officer, Outcome.APPROVE)
    return session


def rejected(officer: User, supervisor: User) -> Session:
    session = known()
    decided(session, officer, Outcome.REJECT)
    return session


def disputed(officer: User, supervisor: User) -> Session:
    session = arrive("REVIEW", hours=3, checks=[{**refused(), "state": "Validated", "reasons": []}])
    decided(session, officer, Outcome.APPROVE)
    again(session, "REJECTED", hours=-1, checks=[refused("RALIO"), refused()])
    return Session.objects.get(pk=session.pk)


def unexplained(officer: User, supervisor: User) -> Session:
    session = arrive("REVIEW")
    Enquiry.objects.create(delivery=newest_delivery(session))
    return session


def long_told(officer: User, supervisor: User) -> Session:
    """Return a session whose subject was named in an event that page 1 does not show, with hands it went through."""
    session = claimed(officer, supervisor)
    review.hand_over(session.pk, by=officer)
    other = UserFactory(username="officer.y", role="officer")
    review.assign(session.pk, by=supervisor, to=other)
    for n in range(27):
        again(session, "REVIEW", hours=20 + n / 9, checks=[refused()])
    return session


STATES = [claimed, proposed, rejected, disputed, unexplained, long_told]


@pytest.mark.parametrize("state", STATES)
def test_no_reader_s_page_costs_more_than_ten(
    state: Callable[[User, User], Session], officer: User, supervisor: User, auditor: User, admin: User
) -> None:
    session = state(officer, supervisor)
    oldest = Delivery.objects.filter(session=session).earliest("pk")
    found = "from=q%3DNO_MATCH%26sort%3Drefused&code=NO"
    pages = [(reader, found) for reader in (officer, supervisor, auditor, admin)]
    pages += [(officer, f"checks=all&{found}"), (supervisor, f"before={oldest.pk + 1}&{found}")]
    for reader, query in pages:
        client = signed_in(reader)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/sessions/{session.pk}/?{query}").status_code == 200
        assert len(captured) <= MOST, f"{reader}, {query}: {len(captured)}"


def test_nor_does_what_a_refused_act_shows_again(officer_client: Client, officer: User) -> None:
    session = arrive("REVIEW", checks=[refused()])
    ReasonCode.objects.create(code="SELDOM")
    saw = seen(officer_client, session)
    decided(session, UserFactory(username="officer.z", role="officer"), Outcome.REJECT)
    with CaptureQueriesContext(connection) as captured:
        assert reject(officer_client, session, saw=saw, codes=["NO_MATCH", "SELDOM"]).status_code == 409
    # An act's own savepoint is the transaction's beginning and end where no test surrounds it.
    asked = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(asked) <= MOST

    late = arrive("REVIEW", checks=[refused()])
    saw = seen(officer_client, late)
    again(late, "REVIEW", hours=0.5, checks=[refused("NEW")])
    with CaptureQueriesContext(connection) as captured:
        assert decide(officer_client, late, "approve", saw=saw, rationale_approve=WORDS).status_code == 409
    asked = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(asked) <= MOST
