"""The words that rows may hold; each is repeated by a constraint in the database."""

from __future__ import annotations

from django.db.models import TextChoices


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

    VALIDATED = "validated", "Validated"
    REFUSED = "refused", "Refused"
    UNKNOWN = "unknown", "Unknown"


class EntityType(TextChoices):
    """Who is verified."""

    USER = "user", "User"
    RELATED_PARTY = "related-party", "Related party"
    UNKNOWN = "unknown", "Unknown"


class DeliveryStatus(TextChoices):
    """What became of an accepted request."""

    APPLIED = "applied", "Applied"
    RECORDED = "recorded", "Recorded"
    IGNORED = "ignored", "Ignored"
    QUARANTINED = "quarantined", "Quarantined"
    FAILED = "failed", "Failed"


class QuarantineCause(TextChoices):
    """Why a signed request could not be taken as an event."""

    NOT_JSON = "not_json", "Not JSON"
    INVALID = "invalid", "Invalid"
    ID_CONFLICT = "id_conflict", "Event id conflict"


class DeliverySource(TextChoices):
    """Which door a delivery came through."""

    WEBHOOK = "webhook", "Webhook"
    API = "api", "Ralio's API"


class EnquiryStatus(TextChoices):
    """How far a question to Ralio's API has come."""

    WAITING = "waiting", "Waiting"
    ANSWERED = "answered", "Answered"
    GAVE_UP = "gave_up", "Gave up"


class AlarmKind(TextChoices):
    """What the inbox watches itself for."""

    SILENCE = "silence", "Silence"
    REFUSED = "refused", "Refused requests"
    QUARANTINED = "quarantined", "Quarantined deliveries"
    FAILED = "failed", "Failed deliveries"
    NOVELTY = "novelty", "Names and codes never seen before"
    REPEATS = "repeats", "Repeats"


class RefusalCause(TextChoices):
    """Why a request was not trusted."""

    SIGNATURE_MISSING = "signature_missing", "Signature missing"
    SIGNATURE_WRONG = "signature_wrong", "Signature wrong"
    TOO_LARGE = "too_large", "Too large"


class Outcome(TextChoices):
    """What a person decided about a session in REVIEW. Only the first two end the review."""

    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
    WAIT = "wait", "Wait"
    RESUME = "resume", "End the wait"
    SECOND_REVIEW = "second_review", "Ask for a second review"
    ESCALATE = "escalate", "Escalate"
    HAND_BACK = "hand_back", "Hand back to officers"


FINAL_OUTCOMES = (Outcome.APPROVE, Outcome.REJECT)
OUTCOME_STATES = {Outcome.APPROVE: SessionState.VERIFIED, Outcome.REJECT: SessionState.REJECTED}


class DecisionStatus(TextChoices):
    """How far a decision has come. A proposal lapses when the session changes before anybody confirms it."""

    PROPOSED = "proposed", "Proposed"
    CONFIRMED = "confirmed", "Confirmed"
    RETURNED = "returned", "Returned"
    UNDONE = "undone", "Undone"
    LAPSED = "lapsed", "Lapsed"


class FourEyes(TextChoices):
    """Which outcomes need a second person, besides those for which one was asked."""

    NONE = "none", "None"
    OVERRIDES = "overrides", "Approving over a refused check"
    APPROVALS = "approvals", "Approvals"
    REJECTIONS = "rejections", "Rejections"
    ALL = "all", "All"


class CorrectionTarget(TextChoices):
    """Which kind of row an admin corrected."""

    SESSION = "session", "Session"
    CHECK = "check", "Check"
    REASON = "reason", "Reason"


class FacetKind(TextChoices):
    """What the queue can be filtered by."""

    ENTITY = "entity", "Entity"
    CHECK_TYPE = "check", "Check"
    CODE = "reason", "Reason"
    CATEGORY = "category", "Category"


class ContactSource(TextChoices):
    """Who said how a subject can be reached."""

    RALIO = "ralio", "Ralio"
    PERSON = "person", "A person"
