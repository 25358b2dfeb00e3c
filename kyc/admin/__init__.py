"""Django admin: evidence read-only, records correctable with a reason, people and codes editable; every act recorded."""

from __future__ import annotations

from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.admin.evidence import CorrectionAdmin, DecisionAdmin, DeliveryAdmin, NoteAdmin, RefusedRequestAdmin
from kyc.admin.inbox import EnquiryAdmin, EventNameAdmin, InboxAlarmAdmin
from kyc.admin.ledger import LedgerEntryAdmin, LedgerHeadAdmin, SealAdmin, SealedHeadAdmin
from kyc.admin.people import PersonAdmin, RoleAdmin
from kyc.admin.privacy import ErasureAdmin, LegalHoldAdmin
from kyc.admin.sessions import CheckAdmin, ReasonAdmin, SessionAdmin
from kyc.admin.subjects import ContactAdmin, ReasonCodeAdmin

__all__ = [
    "CheckAdmin",
    "ContactAdmin",
    "CorrectionAdmin",
    "DecisionAdmin",
    "DeliveryAdmin",
    "DeskAdmin",
    "EnquiryAdmin",
    "ErasureAdmin",
    "EventNameAdmin",
    "InboxAlarmAdmin",
    "LedgerEntryAdmin",
    "LedgerHeadAdmin",
    "LegalHoldAdmin",
    "NoteAdmin",
    "PersonAdmin",
    "ReadOnlyMixin",
    "ReasonAdmin",
    "ReasonCodeAdmin",
    "RefusedRequestAdmin",
    "RoleAdmin",
    "SealAdmin",
    "SealedHeadAdmin",
    "SessionAdmin",
]
