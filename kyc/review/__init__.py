"""What people do to sessions, whichever door they come through: lock, guard, write, record, signal.

Every act is one function of one transaction. It raises what `kyc.exceptions` names when it cannot be done, and then
nothing has changed.
"""

from __future__ import annotations

from kyc.review.acts import Seen, holder
from kyc.review.asking import ask, hand_over, keep
from kyc.review.bulk import MOST, BulkAct, Result, each
from kyc.review.claims import (
    assign,
    claim,
    free,
    held,
    holders,
    may_claim,
    people_to_assign,
    release,
    renew,
)
from kyc.review.corrections import (
    CORRECTABLE,
    OUTDATED,
    PERSONAL,
    Change,
    Row,
    Value,
    allowed,
    as_json,
    correct,
    digest,
    edition,
    place,
    session_id_of,
)
from kyc.review.decisions import approve, least_rationale, reject
from kyc.review.four_eyes import confirm, needs_checker, send_back
from kyc.review.notes import add_note
from kyc.review.picking import claim_next
from kyc.review.settling import codes_of, disputed_decision, settle
from kyc.review.undoing import undo, undo_until
from kyc.review.working import LONGEST_WAIT, ask_second_review, escalate, hand_back, resume, wait
from kyc.review.writing import LEAST_RATIONALE, LEAST_WORDS, MOST_WORDS

__all__ = [
    "CORRECTABLE",
    "LEAST_RATIONALE",
    "LEAST_WORDS",
    "LONGEST_WAIT",
    "MOST",
    "MOST_WORDS",
    "OUTDATED",
    "PERSONAL",
    "BulkAct",
    "Change",
    "Result",
    "Row",
    "Seen",
    "Value",
    "add_note",
    "allowed",
    "approve",
    "as_json",
    "ask",
    "ask_second_review",
    "assign",
    "claim",
    "claim_next",
    "codes_of",
    "confirm",
    "correct",
    "digest",
    "disputed_decision",
    "each",
    "edition",
    "escalate",
    "free",
    "hand_back",
    "hand_over",
    "held",
    "holder",
    "holders",
    "keep",
    "least_rationale",
    "may_claim",
    "needs_checker",
    "people_to_assign",
    "place",
    "reject",
    "release",
    "renew",
    "resume",
    "send_back",
    "session_id_of",
    "settle",
    "undo",
    "undo_until",
    "wait",
]
