"""The words that rows may hold; each is repeated by a constraint in the database."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Language(TextChoices):
    """What the desk and its messages can be read in, each by its own name."""

    ENGLISH = "en-gb", "English"
    SPANISH = "es", "Español"


class SessionState(TextChoices):
    """Where a session stands, in Ralio's own words."""

    NOT_STARTED = "NOT_STARTED", "NOT_STARTED"
    STARTED = "STARTED", "STARTED"
    REVIEW = "REVIEW", "REVIEW"
    EXPIRED = "EXPIRED", "EXPIRED"
    VERIFIED = "VERIFIED", "VERIFIED"
    REJECTED = "REJECTED", "REJECTED"


FINAL_STATES = frozenset({SessionState.EXPIRED, SessionState.VERIFIED, SessionState.REJECTED})


class CheckState(TextChoices):
    """What a check found. Unknown never counts as passed."""

    VALIDATED = "validated", pgettext_lazy("check", "Validated")
    REFUSED = "refused", pgettext_lazy("check", "Refused")
    UNKNOWN = "unknown", pgettext_lazy("check", "Unknown")


class EntityType(TextChoices):
    """Who is verified."""

    USER = "user", _("User")
    RELATED_PARTY = "related-party", _("Related party")
    UNKNOWN = "unknown", _("Unknown")


class DeliveryStatus(TextChoices):
    """What became of an accepted request."""

    APPLIED = "applied", _("Applied")
    RECORDED = "recorded", _("Recorded")
    IGNORED = "ignored", _("Ignored")
    QUARANTINED = "quarantined", _("Quarantined")
    FAILED = "failed", _("Failed")


class QuarantineCause(TextChoices):
    """Why a signed request could not be taken as an event."""

    NOT_JSON = "not_json", _("Not JSON")
    INVALID = "invalid", _("Invalid")
    ID_CONFLICT = "id_conflict", _("Event id conflict")


class DeliverySource(TextChoices):
    """Which door a delivery came through."""

    WEBHOOK = "webhook", _("Webhook")
    API = "api", _("Ralio's API")


class EnquiryStatus(TextChoices):
    """How far a question to Ralio's API has come."""

    WAITING = "waiting", _("Waiting")
    ANSWERED = "answered", _("Answered")
    GAVE_UP = "gave_up", _("Gave up")


class AlarmKind(TextChoices):
    """What the inbox watches itself for."""

    SILENCE = "silence", _("Silence")
    REFUSED = "refused", _("Refused requests")
    QUARANTINED = "quarantined", _("Quarantined deliveries")
    FAILED = "failed", _("Failed deliveries")
    NOVELTY = "novelty", _("Names and codes never seen before")
    REPEATS = "repeats", _("Repeats")


class RefusalCause(TextChoices):
    """Why a request was not trusted."""

    SIGNATURE_MISSING = "signature_missing", _("Signature missing")
    SIGNATURE_WRONG = "signature_wrong", _("Signature wrong")
    TOO_LARGE = "too_large", _("Too large")


class Outcome(TextChoices):
    """What a person decided about a session in REVIEW. Only the first two end the review."""

    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")
    WAIT = "wait", _("Wait")
    RESUME = "resume", _("End the wait")
    SECOND_REVIEW = "second_review", _("Ask for a second review")
    ESCALATE = "escalate", _("Escalate")
    HAND_BACK = "hand_back", _("Hand back to officers")


FINAL_OUTCOMES = (Outcome.APPROVE, Outcome.REJECT)
OUTCOME_STATES = {Outcome.APPROVE: SessionState.VERIFIED, Outcome.REJECT: SessionState.REJECTED}


class DecisionStatus(TextChoices):
    """How far a decision has come. A proposal lapses when the session changes before anybody confirms it."""

    PROPOSED = "proposed", _("Proposed")
    CONFIRMED = "confirmed", _("Confirmed")
    RETURNED = "returned", _("Returned")
    UNDONE = "undone", _("Undone")
    LAPSED = "lapsed", _("Lapsed")


class FourEyes(TextChoices):
    """Which outcomes need a second person, besides those for which one was asked."""

    NONE = "none", pgettext_lazy("four eyes", "None")
    OVERRIDES = "overrides", _("Approving over a refused check")
    APPROVALS = "approvals", _("Approvals")
    REJECTIONS = "rejections", _("Rejections")
    ALL = "all", pgettext_lazy("four eyes", "All")


class CorrectionTarget(TextChoices):
    """Which kind of row an admin corrected."""

    SESSION = "session", _("Session")
    CHECK = "check", _("Check")
    REASON = "reason", _("Reason")


class FacetKind(TextChoices):
    """What the queue can be filtered by."""

    ENTITY = "entity", _("Entity")
    CHECK_TYPE = "check", _("Check")
    CODE = "reason", _("Reason")
    CATEGORY = "category", _("Category")


class ErasureStatus(TextChoices):
    """How far a request to erase a subject's data has come."""

    REQUESTED = "requested", pgettext_lazy("erasure", "Requested")
    DONE = "done", pgettext_lazy("erasure", "Done")
    REFUSED = "refused", pgettext_lazy("erasure", "Refused")


class DataKind(TextChoices):
    """What is kept about subjects, each for a time of its own."""

    BODIES = "bodies", _("Bodies of deliveries")
    CHECKS = "checks", _("Data and messages of checks")
    CONTACTS = "contacts", _("Contacts")
    NOTES = "notes", _("Notes and rationales")
    MESSAGES = "messages", _("Messages")


class ContactSource(TextChoices):
    """Who said how a subject can be reached."""

    RALIO = "ralio", _("Ralio")
    PERSON = "person", _("A person")
