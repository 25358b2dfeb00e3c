"""The seam between `kyc` and whoever wants to tell people. Sent inside the transaction that changed the rows."""

from __future__ import annotations

from django.dispatch import Signal

# session: Session as it is now; old_state: SessionState, or None for a session never heard of before; delivery: the
# Delivery that brought the change, or None for a person's act. Sent when `state` changed or a new round began; never
# by a rebuild.
session_changed = Signal()

# state: SessionState that a session never heard of before would come to. A receiver returns True when it writes rows
# upon session_changed then: ingestion needs a transaction around both.
session_change_told = Signal()

# session: Session in REVIEW, locked; kind: "due_soon" or "overdue"; holder: User who holds it, or None. Sent once for
# each due time and kind, after the ledger's entry.
session_due = Signal()

# contact: Contact, new or changed.
contact_changed = Signal()

# alarm: InboxAlarm, just opened or just closed. Sent after the ledger's entry.
inbox_changed = Signal()
