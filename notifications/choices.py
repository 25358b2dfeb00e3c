"""The words that a notification's row may hold; each is repeated by a constraint in the database."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kyc.choices import SessionState


class Kind(TextChoices):
    """What a message tells. Each has its texts in `templates/notifications/<kind>/`."""

    REVIEW_OPENED = "review_opened", _("Review opened")
    DUE_SOON = "due_soon", _("Due soon")
    OVERDUE = "overdue", _("Overdue")
    ESCALATED = "escalated", _("Escalated")
    SECOND_REVIEW = "second_review", _("Second review asked")
    DISPUTED = "disputed", _("Disputed")
    DAILY_DIGEST = "daily_digest", _("Daily digest")
    INBOX_UNWELL = "inbox_unwell", _("Inbox unwell")
    INBOX_WELL = "inbox_well", _("Inbox well again")
    LEDGER_SEALED = "ledger_sealed", _("Ledger sealed")
    VERIFICATION_FAILED = "verification_failed", _("Verification failed")
    VERIFIED = "verified", _("Verified")
    EXPIRED = "expired", _("Expired")
    SESSION_CREATED = "session_created", _("Related party's session created")


# What the subject is told of a state, as long as it lasts.
TOLD_OF_STATE = {
    SessionState.REJECTED: Kind.VERIFICATION_FAILED,
    SessionState.VERIFIED: Kind.VERIFIED,
    SessionState.EXPIRED: Kind.EXPIRED,
}
# Who reads these is being verified: nothing may tip them off.
TO_SUBJECTS = frozenset({*TOLD_OF_STATE.values(), Kind.SESSION_CREATED})
# Each state in which a message to the subject is still true.
TRUE_IN = {
    **{kind: frozenset({state}) for state, kind in TOLD_OF_STATE.items()},
    Kind.SESSION_CREATED: frozenset({SessionState.NOT_STARTED, SessionState.STARTED}),
}
# These warn of a session's due time, and each due time of a round is warned of by itself.
ABOUT_DUE_TIMES = frozenset({Kind.DUE_SOON, Kind.OVERDUE})
# These are about an alarm of the inbox, a digest about a day, a seal's about the ledger, all others about a session.
ABOUT_ALARMS = frozenset({Kind.INBOX_UNWELL, Kind.INBOX_WELL})
ABOUT_DAYS = frozenset({Kind.DAILY_DIGEST})
ABOUT_SEALS = frozenset({Kind.LEDGER_SEALED})
# What their occasion alone tells apart.
ABOUT_OCCASIONS = ABOUT_DAYS | ABOUT_SEALS
# Of these there may be several, and each says which it is: the due time, the day, the seal, the decision or event, the link.
WITH_OCCASION = (
    ABOUT_DUE_TIMES
    | ABOUT_OCCASIONS
    | {Kind.ESCALATED, Kind.SECOND_REVIEW, Kind.DISPUTED, Kind.SESSION_CREATED}
)
# What people at the desk can have at once, in the digest or not at all.
TO_THE_DESK = frozenset(Kind) - TO_SUBJECTS - ABOUT_SEALS


class Choice(TextChoices):
    """How a person at the desk wants to hear of a kind of thing."""

    AT_ONCE = "at_once", _("At once")
    DIGEST = "digest", _("In the daily digest")
    OFF = "off", _("Not at all")


class Status(TextChoices):
    """Where a message stands. Only pending and waiting ones come up for sending."""

    PENDING = "pending", _("Pending")
    WAITING = "waiting", _("Waiting for a contact")
    WITHHELD = "withheld", _("Withheld")
    SENT = "sent", _("Sent")
    CANCELLED = "cancelled", _("Cancelled")
    GAVE_UP = "gave_up", _("Gave up")


class HoldCause(TextChoices):
    """Why a message is withheld until a person releases it."""

    LATE = "late", _("Event older than a day")
    SUSPICION = "suspicion", _("Suspicion code")


class AttemptOutcome(TextChoices):
    """How one try ended. A refused message is not tried again by itself; of a lost one nobody knows."""

    SENT = "sent", pgettext_lazy("attempt", "Sent")
    FAILED = "failed", pgettext_lazy("attempt", "Failed")
    REFUSED = "refused", pgettext_lazy("attempt", "Refused")
    LOST = "lost", pgettext_lazy("attempt", "Worker stopped")
