from __future__ import annotations

from kyc.models.deliveries import Delivery, EventName, RefusedRequest
from kyc.models.inbox import Enquiry, InboxAlarm
from kyc.models.ledger import LedgerEntry, LedgerHead, Seal, SealedHead
from kyc.models.people import User
from kyc.models.privacy import Erasure, LegalHold
from kyc.models.review import Correction, Decision, Note, Precedent, SavedView
from kyc.models.sessions import Check, QueueFacet, Reason, RejectionReason, Session
from kyc.models.subjects import Contact, ReasonCode

__all__ = [
    "Check",
    "Contact",
    "Correction",
    "Decision",
    "Delivery",
    "Enquiry",
    "Erasure",
    "EventName",
    "InboxAlarm",
    "LedgerEntry",
    "LedgerHead",
    "LegalHold",
    "Note",
    "Precedent",
    "QueueFacet",
    "Reason",
    "ReasonCode",
    "RefusedRequest",
    "RejectionReason",
    "SavedView",
    "Seal",
    "SealedHead",
    "Session",
    "User",
]
