"""One factory per model; what it builds is valid by default."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import factory
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone
from factory.django import DjangoModelFactory

from kyc import models, people
from kyc.choices import (
    AlarmKind,
    CheckState,
    CorrectionTarget,
    DecisionStatus,
    DeliveryStatus,
    EntityType,
    FacetKind,
    Outcome,
    QuarantineCause,
    RefusalCause,
    SessionState,
)
from kyc.models.digests import text_digest
from notifications.choices import AttemptOutcome, HoldCause, Kind, Status
from notifications.models import Attempt, Notification

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[models.User]):
    """A person with PASSWORD and, if named, a role."""

    class Meta:
        model = models.User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.test")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def role(self: models.User, create: bool, role: str | None, **kwargs: Any) -> None:  # type: ignore[misc]
        if role:
            self.groups.add(Group.objects.get(name=role))
            people.follow_role(self)


class PasskeyFactory(DjangoModelFactory[Authenticator]):
    """A passkey of somebody's that is only kept: it cannot answer."""

    class Meta:
        model = Authenticator

    user = factory.SubFactory(UserFactory)
    type = Authenticator.Type.WEBAUTHN
    data = factory.LazyFunction(lambda: {"name": "Laptop", "credential": {}})


class SessionFactory(DjangoModelFactory[models.Session]):
    """A user's session that came to REVIEW an hour ago."""

    class Meta:
        model = models.Session

    id = factory.LazyFunction(uuid4)
    entity_type = EntityType.USER
    user_id = factory.LazyAttribute(
        lambda session: uuid4() if session.entity_type == EntityType.USER else None
    )
    related_party_id = factory.LazyAttribute(
        lambda session: uuid4() if session.entity_type == EntityType.RELATED_PARTY else None
    )
    state = SessionState.REVIEW
    provider_state = factory.SelfAttribute("state")
    state_since = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    first_event_at = last_event_at = factory.SelfAttribute("state_since")
    due_at = factory.LazyAttribute(
        lambda session: (
            session.state_since + settings.KYC_REVIEW_SLA if session.state == SessionState.REVIEW else None
        )
    )
    queued_at = factory.SelfAttribute("state_since")
    version = 1


class RejectedSessionFactory(SessionFactory):
    """A session that Ralio rejected an hour ago."""

    state = SessionState.REJECTED


class DeliveryFactory(DjangoModelFactory[models.Delivery]):
    """An applied delivery that sent its session to REVIEW."""

    class Meta:
        model = models.Delivery

    class Params:
        is_quarantined = factory.Trait(
            status=DeliveryStatus.QUARANTINED,
            cause=QuarantineCause.INVALID,
            faults=[{"path": "data.sessionId", "message": "is missing"}],
            session=None,
            session_state="",
            event_id=None,
        )
        is_failed = factory.Trait(
            status=DeliveryStatus.FAILED,
            error="OperationalError",
            session=None,
            next_try_at=factory.LazyFunction(timezone.now),
        )
        is_record = factory.Trait(
            status=DeliveryStatus.RECORDED,
            event_name="kyc_state_updated",
            session=None,
            session_state="",
            user_id=factory.LazyFunction(uuid4),
        )

    status = DeliveryStatus.APPLIED
    session = factory.SubFactory(SessionFactory)
    session_state = factory.LazyAttribute(lambda delivery: delivery.session.state if delivery.session else "")
    event_id = factory.LazyFunction(uuid4)
    event_name = "kyc_session_manual_review"
    event_at = factory.LazyAttribute(
        lambda delivery: delivery.session.state_since if delivery.session else timezone.now()
    )
    entity_type = factory.LazyAttribute(
        lambda delivery: delivery.session.entity_type if delivery.session else ""
    )
    user_id = factory.LazyAttribute(lambda delivery: delivery.session.user_id if delivery.session else None)
    related_party_id = factory.LazyAttribute(
        lambda delivery: delivery.session.related_party_id if delivery.session else None
    )
    headers = factory.LazyFunction(lambda: {"Content-Type": "application/json"})
    body = factory.Sequence(lambda n: f'{{"sequence": {n}}}'.encode())
    n_bytes = factory.LazyAttribute(lambda delivery: len(delivery.body))
    sha256 = factory.LazyAttribute(lambda delivery: sha256(delivery.body).hexdigest())
    meaning = factory.SelfAttribute("sha256")


class RefusedRequestFactory(DjangoModelFactory[models.RefusedRequest]):
    class Meta:
        model = models.RefusedRequest

    cause = RefusalCause.SIGNATURE_WRONG
    headers = factory.LazyFunction(lambda: {"Content-Type": "application/json"})
    body = b"{}"
    n_bytes = n_kept_bytes = 2


class CheckFactory(DjangoModelFactory[models.Check]):
    """A refused check, part of its session's evidence."""

    class Meta:
        model = models.Check
        skip_postgeneration_save = True

    session = factory.SubFactory(SessionFactory)
    delivery = factory.SubFactory(DeliveryFactory, session=factory.SelfAttribute("..session"))
    position = factory.Sequence(int)
    type = "face-matching"
    state = CheckState.REFUSED
    state_sent = '"Refused"'
    data = "{}"

    @factory.post_generation
    def evidence(self: models.Check, create: bool, wanted: bool | None, **kwargs: Any) -> None:  # type: ignore[misc]
        """Count the check on its session, as the fold does; `evidence=False` leaves the session as it is."""
        if not create or wanted is False:
            return
        shown = self.delivery.checks.all()
        self.session.evidence = self.delivery
        self.session.n_checks = len(shown)
        self.session.n_refused = sum(check.state == CheckState.REFUSED for check in shown)
        self.session.save(update_fields=["evidence", "n_checks", "n_refused"])


class ReasonFactory(DjangoModelFactory[models.Reason]):
    class Meta:
        model = models.Reason

    kyc_check = factory.SubFactory(CheckFactory)
    position = factory.Sequence(int)
    type = "face-match"
    code = "LOW_CONFIDENCE"
    message = "Face matching confidence below threshold"


class QueueFacetFactory(DjangoModelFactory[models.QueueFacet]):
    class Meta:
        model = models.QueueFacet

    session = factory.SubFactory(SessionFactory)
    kind = FacetKind.CODE
    value = "LOW_CONFIDENCE"
    digest = factory.LazyAttribute(lambda facet: text_digest(facet.value))
    due_at = factory.SelfAttribute("session.due_at")


class RejectionReasonFactory(DjangoModelFactory[models.RejectionReason]):
    class Meta:
        model = models.RejectionReason

    session = factory.SubFactory(RejectedSessionFactory)
    position = factory.Sequence(int)
    check_type = "manual_review"
    type = "ManualReview"
    code = "KYC.DOC.DETERIORATED"
    code_digest = factory.LazyAttribute(lambda reason: text_digest(reason.code))
    message = "Document deteriorated or illegible (stains, tears)."
    category = "DOC"
    category_digest = factory.LazyAttribute(lambda reason: text_digest(reason.category))
    is_first_of_code = True
    is_first_of_category = True
    rejected_at = factory.SelfAttribute("session.state_since")


class DecisionFactory(DjangoModelFactory[models.Decision]):
    """A confirmed approval; with `is_proposed` one that waits for another person."""

    class Meta:
        model = models.Decision

    class Params:
        is_proposed = factory.Trait(
            status=DecisionStatus.PROPOSED, needs_checker=True, checker=None, confirmed_at=None
        )

    session = factory.SubFactory(SessionFactory)
    outcome = Outcome.APPROVE
    codes = factory.LazyAttribute(
        lambda decision: ["LOW_CONFIDENCE"] if decision.outcome == Outcome.REJECT else []
    )
    rationale = "The documents agree with each other."
    maker = factory.SubFactory(UserFactory, role="officer")
    basis = factory.SubFactory(DeliveryFactory, session=factory.SelfAttribute("..session"))
    round = factory.SelfAttribute("session.round")
    checker = None
    status = DecisionStatus.CONFIRMED
    wait_until = factory.LazyAttribute(
        lambda decision: timezone.now() + timedelta(days=1) if decision.outcome == Outcome.WAIT else None
    )
    confirmed_at = factory.LazyFunction(timezone.now)
    checked_at = factory.LazyAttribute(lambda decision: timezone.now() if decision.checker else None)


class PrecedentFactory(DjangoModelFactory[models.Precedent]):
    class Meta:
        model = models.Precedent

    decision = factory.SubFactory(DecisionFactory)
    digest = factory.LazyFunction(lambda: text_digest("LOW_CONFIDENCE"))
    outcome = factory.SelfAttribute("decision.outcome")
    decided_at = factory.SelfAttribute("decision.confirmed_at")


class NoteFactory(DjangoModelFactory[models.Note]):
    class Meta:
        model = models.Note

    session = factory.SubFactory(SessionFactory)
    by = factory.SubFactory(UserFactory, role="officer")
    text = "Asked the subject for a new photograph."
    round = factory.SelfAttribute("session.round")


class SavedViewFactory(DjangoModelFactory[models.SavedView]):
    class Meta:
        model = models.SavedView

    owner = factory.SubFactory(UserFactory, role="officer")
    name = "Expired documents"
    query = "reason=EXPIRED_DOCUMENT"


class CorrectionFactory(DjangoModelFactory[models.Correction]):
    """An admin's correction of a session's due time."""

    class Meta:
        model = models.Correction

    session = factory.SubFactory(SessionFactory)
    target = CorrectionTarget.SESSION
    field = "due_at"
    old = factory.LazyAttribute(lambda correction: f'"{correction.session.due_at.isoformat()}"')
    new = '"2026-12-01T12:00:00+00:00"'
    reason = "The subject asked for more time."
    by = factory.SubFactory(UserFactory, role="admin")
    round = factory.SelfAttribute("session.round")


class ContactFactory(DjangoModelFactory[models.Contact]):
    class Meta:
        model = models.Contact

    entity_type = EntityType.USER
    subject_id = factory.LazyFunction(uuid4)
    name = "Ana Pérez"
    email = factory.Sequence(lambda n: f"subject{n}@example.test")
    language = "en"


class ReasonCodeFactory(DjangoModelFactory[models.ReasonCode]):
    class Meta:
        model = models.ReasonCode

    code = factory.Sequence(lambda n: f"KYC.DOC.CODE_{n}")
    label = "Document code"
    category = "DOC"


class EnquiryFactory(DjangoModelFactory[models.Enquiry]):
    class Meta:
        model = models.Enquiry

    delivery = factory.SubFactory(DeliveryFactory)


class InboxAlarmFactory(DjangoModelFactory[models.InboxAlarm]):
    class Meta:
        model = models.InboxAlarm

    kind = AlarmKind.SILENCE


class LedgerHeadFactory(DjangoModelFactory[models.LedgerHead]):
    class Meta:
        model = models.LedgerHead

    chain = factory.LazyFunction(lambda: f"session:{uuid4()}")
    hash = "0" * 64


class LedgerEntryFactory(DjangoModelFactory[models.LedgerEntry]):
    """A row with the shape of an entry; its hash is none, so a chain with it does not verify."""

    class Meta:
        model = models.LedgerEntry

    chain = factory.LazyFunction(lambda: f"session:{uuid4()}")
    seq = 1
    at = factory.LazyFunction(timezone.now)
    action = "session.viewed"
    previous_hash = hash = "0" * 64


class SealFactory(DjangoModelFactory[models.Seal]):
    class Meta:
        model = models.Seal

    number = factory.Sequence(lambda n: n + 1)
    at = factory.LazyFunction(timezone.now)
    n_chains = 0
    n_entries = 0
    heads_digest = "0" * 64
    previous_hash = "0" * 64
    hash = "f" * 64


class SealedHeadFactory(DjangoModelFactory[models.SealedHead]):
    class Meta:
        model = models.SealedHead

    seal = factory.SubFactory(SealFactory)
    chain = factory.Sequence(lambda n: f"person:{n}")
    seq = 1
    hash = "f" * 64


class LegalHoldFactory(DjangoModelFactory[models.LegalHold]):
    class Meta:
        model = models.LegalHold

    entity_type = EntityType.USER
    subject_id = factory.LazyFunction(uuid4)
    reason = "A court asked for it."
    placed_by = factory.SubFactory(UserFactory)


class ErasureFactory(DjangoModelFactory[models.Erasure]):
    """A request that nobody has answered yet."""

    class Meta:
        model = models.Erasure

    entity_type = EntityType.USER
    subject_id = factory.LazyFunction(uuid4)
    reason = "The subject asked for it."
    maker = factory.SubFactory(UserFactory)


class NotificationFactory(DjangoModelFactory[Notification]):
    """A message to a session's user, of the newest state; due since it was written unless its status says otherwise."""

    class Meta:
        model = Notification

    session = factory.SubFactory(RejectedSessionFactory)
    round = factory.LazyAttribute(lambda row: row.session.round if row.session else None)
    kind = Kind.VERIFICATION_FAILED
    recipient = factory.LazyAttribute(lambda row: f"user:{row.session.user_id}")
    event_at = created_at = factory.LazyFunction(timezone.now)
    message_id = factory.Sequence(lambda n: f"<{n}@desk.example>")
    status = Status.PENDING
    withheld_because = factory.LazyAttribute(
        lambda row: HoldCause.LATE if row.status == Status.WITHHELD else ""
    )
    next_attempt_at = factory.LazyAttribute(
        lambda row: row.created_at if row.status in (Status.PENDING, Status.WAITING) else None
    )
    sent_at = factory.LazyAttribute(lambda row: row.created_at if row.status == Status.SENT else None)


class AttemptFactory(DjangoModelFactory[Attempt]):
    class Meta:
        model = Attempt

    notification = factory.SubFactory(NotificationFactory)
    outcome = AttemptOutcome.FAILED
    answer = "The mail server cannot be reached."
