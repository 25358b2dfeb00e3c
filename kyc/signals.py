"""The seam between `kyc` and whoever wants to tell people. Sent inside the transaction that changed the rows."""

from __future__ import annotations

from django.dispatch import Signal

# session: Session as it is now; old_state: SessionState, or None for a session never heard of before; delivery: the
# Delivery that brought the change, or None for a person's act; by: User whose act it is, or None. Sent when `state`
# changed or a new round began; never by a rebuild.
session_changed = Signal()

# state: SessionState that a session never heard of before would come to. A receiver returns True when it writes rows
# upon session_changed then: ingestion needs a transaction around both.
session_change_told = Signal()

# session: Session in REVIEW, locked; kind: "due_soon" or "overdue"; holder: User who holds it, or None. Sent once for
# each due time and kind, after the ledger's entry.
session_due = Signal()

# session: Session in REVIEW, locked; kind: "escalated" or "second_review"; occasion: str that tells this time from others
# of its round; by: User who asked, or None where a code marked as a suspicion did; to: User who is asked, or None for all
# who may. Sent after the ledger's entry; never by a rebuild.
session_referred = Signal()

# session: Session, locked; delivery: Delivery that told of its creation; its body may hold the subject's personal link.
session_invited = Signal()

# contact: Contact, new or changed.
contact_changed = Signal()

# alarm: InboxAlarm, just opened or just closed. Sent after the ledger's entry.
inbox_changed = Signal()

# seal: Seal, just made.
ledger_sealed = Signal()

# entity_type: EntityType, subject_id: UUID, or None each where the sessions' time is over; sessions: list of UUIDs; at:
# datetime. Sent for each session while its personal data is being overwritten: a receiver overwrites what it has.
subject_erased = Signal()
