"""What the database refuses, whichever door it comes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from kyc.choices import DeliveryStatus, EntityType, ErasureStatus, Outcome, QuarantineCause, SessionState
from kyc.models.digests import text_digest
from tests import factories as f

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]


def twice(make: Make, **columns: Any) -> None:
    make(**columns)
    make(**columns)


def same_person() -> None:
    person = f.UserFactory()
    f.DecisionFactory(maker=person, checker=person)


def erased_alone() -> None:
    person = f.UserFactory()
    f.ErasureFactory(status=ErasureStatus.DONE, maker=person, checker=person, checked_at=timezone.now())


def asked_of_oneself() -> None:
    holder, now = f.UserFactory(), timezone.now()
    f.SessionFactory(assignee=holder, claimed_until=now, asked_by=holder, asked_at=now)


BREAKERS: dict[str, Callable[[], Any]] = {
    "kyc_delivery_has_a_source": lambda: f.DeliveryFactory(source="post"),
    "kyc_delivery_has_a_status": lambda: f.DeliveryFactory(status="lost"),
    "kyc_delivery_names_its_cause": lambda: f.DeliveryFactory(is_quarantined=True, cause=""),
    "kyc_delivery_session_state": lambda: f.DeliveryFactory(session_state="LIMBO"),
    "kyc_delivery_entity_type": lambda: f.DeliveryFactory(entity_type="dog"),
    "kyc_delivery_applied_to_a_session": lambda: f.DeliveryFactory(session=None, session_state="REVIEW"),
    "kyc_delivery_ignored_touches_nothing": lambda: f.DeliveryFactory(status=DeliveryStatus.IGNORED),
    "kyc_delivery_event_once": lambda: twice(f.DeliveryFactory, event_id=uuid4()),
    "kyc_delivery_unreadable_once": lambda: twice(f.DeliveryFactory, is_quarantined=True, body=b"{"),
    "kyc_delivery_conflict_once": lambda: twice(
        f.DeliveryFactory,
        is_quarantined=True,
        cause=QuarantineCause.ID_CONFLICT,
        event_id=uuid4(),
        meaning="m",
    ),
    "kyc_refused_request_has_a_cause": lambda: f.RefusedRequestFactory(cause="mood"),
    "kyc_session_entity_type": lambda: f.SessionFactory(entity_type="dog"),
    "kyc_session_provider_state": lambda: f.SessionFactory(provider_state="LIMBO"),
    "kyc_session_state": lambda: f.RejectedSessionFactory(state="LIMBO", provider_state="REJECTED"),
    "kyc_session_round_from_one": lambda: f.SessionFactory(round=0),
    "kyc_session_in_review_is_due": lambda: f.SessionFactory(due_at=None),
    "kyc_session_outside_review_has_no_clock": lambda: f.RejectedSessionFactory(due_at=timezone.now()),
    "kyc_session_outside_review_has_no_work": lambda: f.RejectedSessionFactory(escalated_at=timezone.now()),
    "kyc_session_suspect_is_escalated": lambda: f.SessionFactory(is_suspect=True),
    "kyc_session_claim_ends": lambda: f.SessionFactory(assignee=f.UserFactory()),
    "kyc_session_asked_of_its_holder": asked_of_oneself,
    "kyc_session_disputed_was_decided": lambda: f.SessionFactory(is_disputed=True),
    "kyc_session_user_is_named": lambda: f.SessionFactory(user_id=None),
    "kyc_session_related_party_is_named": lambda: f.SessionFactory(
        entity_type=EntityType.RELATED_PARTY, related_party_id=None
    ),
    "kyc_session_refused_are_checks": lambda: f.SessionFactory(n_checks=1, n_refused=2),
    "kyc_check_state": lambda: f.CheckFactory(state="passed", evidence=False),
    "kyc_check_position_once": lambda: twice(f.CheckFactory, delivery=f.DeliveryFactory(), position=0),
    "kyc_reason_position_once": lambda: twice(f.ReasonFactory, kyc_check=f.CheckFactory(), position=0),
    "kyc_queue_facet_kind": lambda: f.QueueFacetFactory(kind="mood"),
    "kyc_queue_facet_once": lambda: twice(f.QueueFacetFactory, session=f.SessionFactory()),
    "kyc_rejection_reason_once": lambda: twice(
        f.RejectionReasonFactory, session=f.RejectedSessionFactory(), position=0
    ),
    "kyc_decision_outcome": lambda: f.DecisionFactory(outcome="shrug"),
    "kyc_decision_status": lambda: f.DecisionFactory(status="dreamt"),
    "kyc_decision_has_two_people": same_person,
    "kyc_decision_confirmed_at": lambda: f.DecisionFactory(status="confirmed", confirmed_at=None),
    "kyc_decision_confirmed_by_another": lambda: f.DecisionFactory(needs_checker=True),
    "kyc_decision_checked_at": lambda: f.DecisionFactory(checker=f.UserFactory(), checked_at=None),
    "kyc_decision_proposed_to_another": lambda: f.DecisionFactory(is_proposed=True, needs_checker=False),
    "kyc_decision_returned_with_words": lambda: f.DecisionFactory(
        status="returned", needs_checker=True, checker=f.UserFactory()
    ),
    "kyc_decision_undone_by_somebody": lambda: f.DecisionFactory(status="undone"),
    "kyc_decision_only_final_ones_are_proposed": lambda: f.DecisionFactory(
        outcome=Outcome.ESCALATE, is_proposed=True
    ),
    "kyc_decision_codes_reject": lambda: f.DecisionFactory(codes=["LOW_CONFIDENCE"]),
    "kyc_decision_rejects_with_codes": lambda: f.DecisionFactory(outcome=Outcome.REJECT, codes=[]),
    "kyc_decision_waits_until": lambda: f.DecisionFactory(outcome=Outcome.WAIT, wait_until=None),
    "kyc_decision_proposed_once": lambda: twice(
        f.DecisionFactory, session=f.SessionFactory(), is_proposed=True
    ),
    "kyc_precedent_is_final": lambda: f.PrecedentFactory(outcome=Outcome.WAIT),
    "kyc_precedent_once": lambda: twice(f.PrecedentFactory, decision=f.DecisionFactory()),
    "kyc_note_says_something": lambda: f.NoteFactory(text=""),
    "kyc_saved_view_has_a_name": lambda: f.SavedViewFactory(name=""),
    "kyc_saved_view_once": lambda: twice(f.SavedViewFactory, owner=f.UserFactory()),
    "kyc_correction_has_a_reason": lambda: f.CorrectionFactory(reason=""),
    "kyc_correction_names_its_row": lambda: f.CorrectionFactory(check_position=1),
    "kyc_user_language": lambda: f.UserFactory(language="tlh"),
    "kyc_contact_entity_type": lambda: f.ContactFactory(entity_type=EntityType.UNKNOWN),
    "kyc_contact_source": lambda: f.ContactFactory(source="rumour"),
    "kyc_contact_once": lambda: twice(f.ContactFactory, subject_id=uuid4()),
    "kyc_reason_code_suspicion_is_never_told": lambda: f.ReasonCodeFactory(
        is_suspicion=True, is_disclosable=True, subject_text="x"
    ),
    "kyc_reason_code_told_in_its_own_words": lambda: f.ReasonCodeFactory(
        is_disclosable=True, subject_text=""
    ),
    "kyc_enquiry_status": lambda: f.EnquiryFactory(status="mumbled", next_try_at=None),
    "kyc_enquiry_waits_for_a_time": lambda: f.EnquiryFactory(next_try_at=None),
    "kyc_inbox_alarm_kind": lambda: f.InboxAlarmFactory(kind="itch"),
    "kyc_inbox_alarm_open_once": lambda: twice(f.InboxAlarmFactory),
    "kyc_ledger_entry_once": lambda: twice(f.LedgerEntryFactory, chain="c", seq=1),
    "kyc_ledger_entry_from_one": lambda: f.LedgerEntryFactory(chain="c", seq=0),
    "kyc_seal_from_one": lambda: f.SealFactory(number=0),
    "kyc_sealed_head_once": lambda: twice(f.SealedHeadFactory, chain="c"),
    "kyc_legal_hold_entity_type": lambda: f.LegalHoldFactory(entity_type=EntityType.UNKNOWN),
    "kyc_legal_hold_has_a_reason": lambda: f.LegalHoldFactory(reason=""),
    "kyc_legal_hold_lifted_by_somebody": lambda: f.LegalHoldFactory(
        lifted_at=timezone.now(), lifted_because="It is over."
    ),
    "kyc_legal_hold_once": lambda: twice(f.LegalHoldFactory, subject_id=uuid4()),
    "kyc_erasure_entity_type": lambda: f.ErasureFactory(entity_type=EntityType.UNKNOWN),
    "kyc_erasure_has_a_reason": lambda: f.ErasureFactory(reason=""),
    "kyc_erasure_has_two_people": erased_alone,
    "kyc_erasure_checked_by_another": lambda: f.ErasureFactory(status="dreamt"),
    "kyc_erasure_requested_once": lambda: twice(f.ErasureFactory, subject_id=uuid4()),
}


def test_each_constraint_of_the_tables_has_a_breaker() -> None:
    named = {
        item.name for model in apps.get_app_config("kyc").get_models() for item in model._meta.constraints
    }
    assert named == set(BREAKERS)


@pytest.mark.parametrize("name", BREAKERS)
def test_the_database_refuses(name: str) -> None:
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        BREAKERS[name]()
    # SQLite names a unique constraint by its columns only.
    assert name in str(raised.value) or "UNIQUE constraint failed" in str(raised.value)


def test_a_code_is_known_once_however_long() -> None:
    code = "C" * 20_000
    assert f.ReasonCodeFactory(code=code).digest == text_digest(code)
    with pytest.raises(IntegrityError), transaction.atomic():
        f.ReasonCodeFactory(code=code)


def test_every_state_is_a_state_of_the_tables() -> None:
    for state in SessionState.values:
        f.SessionFactory(state=state)
