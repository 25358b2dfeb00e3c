"""One act on many sessions: each through the same door as alone, each with its own answer.

Decisions that end a review are not among the acts: those are made one at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from kyc import folding, tracing
from kyc.exceptions import ActRefused
from kyc.models import User
from kyc.review import acts, claims, working

logger = logging.getLogger(__name__)

# More than a page of the queue, and few enough to be done while a person waits.
MOST = 200


class BulkAct(TextChoices):
    """What can be done with many sessions at once."""

    CLAIM = "claim", pgettext_lazy("verb", "Claim")
    RELEASE = "release", gettext_lazy("Release")
    ASSIGN = "assign", gettext_lazy("Assign")
    ESCALATE = "escalate", gettext_lazy("Escalate")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one session; `words` say why nothing did."""

    session_id: UUID
    is_done: bool
    words: str = ""


def each(
    act: BulkAct, session_ids: Iterable[UUID], *, by: User, to: User | None = None, rationale: str = ""
) -> list[Result]:
    """Do the act with each session, in the order given and once each; what is refused for one does not stop the rest.

    `to` is for ASSIGN, and optional for ESCALATE, which wants a rationale.
    """
    once = list(dict.fromkeys(session_ids))
    if len(once) > MOST:
        words = gettext("At most %(most)d sessions are changed at once. You chose %(n)d.")
        raise ActRefused(words % {"most": MOST, "n": len(once)})
    if act == BulkAct.ASSIGN and to is None:
        raise ActRefused({"to": gettext("Choose who gets these sessions.")})
    return [_one(act, session_id, by, to, rationale) for session_id in once]


def _one(act: BulkAct, session_id: UUID, by: User, to: User | None, rationale: str) -> Result:
    try:
        _do(act, session_id, by, to, rationale)
    except PermissionDenied as refusal:
        return Result(session_id, False, str(refusal))
    except ValidationError as refusal:
        return Result(session_id, False, " ".join(refusal.messages))
    except DatabaseError as error:
        # Its own text may hold the row, and so the rationale.
        with tracing.about(session=session_id):
            logger.error("Bulk %s of session %s failed: %s", act, session_id, type(error).__name__)
        return Result(session_id, False, gettext("This session could not be changed. Try again."))
    return Result(session_id, True)


def _do(act: BulkAct, session_id: UUID, by: User, to: User | None, rationale: str) -> None:
    match act:
        case BulkAct.CLAIM:
            claims.claim(session_id, by=by)
        case BulkAct.RELEASE:
            claims.release(session_id, by=by)
        case BulkAct.ASSIGN if to is not None:
            claims.assign(session_id, by=by, to=to)
        case BulkAct.ESCALATE:
            _escalate(session_id, by, to, rationale)


def _escalate(session_id: UUID, by: User, to: User | None, rationale: str) -> None:
    with transaction.atomic():
        session = acts.lock(session_id)
        # Who escalates a list has read none of its sessions, so nothing that they saw can have changed: what is
        # there now counts.
        seen = acts.Seen(session.version, folding.basis(session))
        working.escalate(session_id, by=by, seen=seen, rationale=rationale, to=to)
