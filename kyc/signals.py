"""The seam between `kyc` and whoever wants to tell people. Sent inside the transaction that changed the rows."""

from __future__ import annotations

from django.dispatch import Signal

# session: Session as it is now; old_state: SessionState, or None for a session never heard of before; delivery: the
# Delivery that brought the change, or None for a person's act. Sent when `state` changed or a new round began; never
# by a rebuild.
session_changed = Signal()

# contact: Contact, new or changed.
contact_changed = Signal()
