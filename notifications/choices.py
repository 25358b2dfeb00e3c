"""The words that a notification's row may hold; each is repeated by a constraint in the database."""

from __future__ import annotations

from django.db.models import TextChoices


class Kind(TextChoices):
    """What a message tells. Each has its texts in `templates/notifications/<kind>/`."""

    REVIEW_OPENED = "review_opened", "Review opened"
    VERIFICATION_FAILED = "verification_failed", "Verification failed"
    DUE_SOON = "due_soon", "Due soon"
    OVERDUE = "overdue", "Overdue"
    INBOX_UNWELL = "inbox_unwell", "Inbox unwell"
    INBOX_WELL = "inbox_well", "Inbox well again"


# Who reads these is being verified: nothing may tip them off.
TO_SUBJECTS = frozenset({Kind.VERIFICATION_FAILED})
# These warn of a session's due time, and each due time of a round is warned of by itself.
ABOUT_DUE_TIMES = frozenset({Kind.DUE_SOON, Kind.OVERDUE})
# These are about an alarm of the inbox, all others about a session.
ABOUT_ALARMS = frozenset({Kind.INBOX_UNWELL, Kind.INBOX_WELL})


class Status(TextChoices):
    """Where a message stands. Only pending and waiting ones come up for sending."""

    PENDING = "pending", "Pending"
    WAITING = "waiting", "Waiting for a contact"
    WITHHELD = "withheld", "Withheld"
    SENT = "sent", "Sent"
    CANCELLED = "cancelled", "Cancelled"
    GAVE_UP = "gave_up", "Gave up"


class HoldCause(TextChoices):
    """Why a message is withheld until a person releases it."""

    LATE = "late", "Event older than a day"
    SUSPICION = "suspicion", "Suspicion code"


class AttemptOutcome(TextChoices):
    """How one try ended. A refused message is not tried again by itself; of a lost one nobody knows."""

    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    REFUSED = "refused", "Refused"
    LOST = "lost", "Worker stopped"
