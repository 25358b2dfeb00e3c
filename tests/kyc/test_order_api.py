"""Rule 3 with what Ralio's API said among the deliveries: any order, any repetition, the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc import ingestion, ledger
from kyc.choices import DeliverySource, SessionState
from kyc.models import Delivery, LedgerEntry, Session
from kyc.ralio import answers
from kyc.ralio.jsontext import parse
from kyc.rebuilding import rebuild
from tests.kyc.test_order import IDS, NOON, SESSION, bodies, events, rows

Said = tuple[bytes, DeliverySource]

reasons = st.lists(st.fixed_dictionaries({"code": st.sampled_from(["A", "B", "C"])}), max_size=2)
checks = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("face"), "state": st.sampled_from(["Refused", 1]), "refused_reasons": reasons}
    ),
    min_size=1,
    max_size=2,
)
told = st.tuples(st.sampled_from(list(SessionState)), st.integers(0, 5), checks, st.booleans())


def answered(drawn: Iterable[tuple[SessionState, int, Any, bool]]) -> list[Said]:
    """Return each drawn answer as it is kept: checks of an event, or a line of the history."""
    found = []
    for state, hour, listed, has_checks in drawn:
        at, user_id = NOON + timedelta(hours=hour), UUID(IDS[0])
        if has_checks:
            said = parse(json.dumps({"session_id": str(SESSION), "checks": listed}).encode())
            body = answers.checks_body(said, session_id=SESSION, user_id=user_id, state=state, at=at)
        else:
            line = {"id": 1, "new_state": state, "created_at": at.isoformat()}
            said = parse(json.dumps({"session_id": str(SESSION), "logs": [line]}).encode())
            (log,) = answers.history(said, SESSION)
            body = answers.state_body(log, session_id=SESSION, user_id=user_id)
        found.append((body, DeliverySource.API))
    return found


def applied(sent: Iterable[Said]) -> dict[str, Any]:
    with transaction.atomic():
        for body, source in sent:
            ingestion.receive(body, {}, source=source)
        found = rows()
        assert rebuild(SESSION, is_dry_run=True) == []
        assert list(ledger.verify()) == []
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
@settings(max_examples=40)
@given(events, st.lists(told, min_size=1, max_size=4), st.data())
def test_any_order_and_repetition_ends_in_the_same_rows(drawn: Any, said: Any, choices: Any) -> None:
    sent: list[Said] = [(body, DeliverySource.WEBHOOK) for body in bodies(drawn)] + answered(said)
    shuffled = choices.draw(st.permutations(sent))
    repeated = choices.draw(st.lists(st.sampled_from(sent), max_size=4))

    assert applied(sent) == applied([*shuffled, *repeated])


@pytest.mark.django_db
def test_the_same_answer_again_is_the_same_event() -> None:
    for body, source in answered([(SessionState.REVIEW, 1, [{"type": "face"}], True)]) * 2:
        receipt = ingestion.receive(body, {}, source=source)

    assert receipt.is_duplicate
    assert (Delivery.objects.get().n_repeats, Session.objects.get().version) == (1, 1)


@pytest.mark.django_db
def test_a_webhook_that_names_its_event_as_the_api_does_stays_another_event() -> None:
    ((body, _),) = answered([(SessionState.REVIEW, 1, [{"type": "face"}], True)])

    assert ingestion.receive(body, {}).delivery.status == "ignored"
    assert not Session.objects.exists()
    assert LedgerEntry.objects.get().action == "delivery.ignored"
