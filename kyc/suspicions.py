"""When a reason code becomes a suspicion, or is none any more, the sessions in REVIEW that have it follow."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from kyc import folding, tracing
from kyc.choices import FacetKind
from kyc.models import Reason, ReasonCode, Session
from kyc.querysets import SessionQuerySet
from kyc.review import acts
from kyc.signals import session_referred

logger = logging.getLogger(__name__)

PORTION = 200
NO_KEY = UUID(int=0)
# An event that was being stored when the mark changed may have read it as it was, and is stored by then.
LATECOMERS = timedelta(minutes=1)


def note_change(code: ReasonCode) -> None:
    """Compare an unsaved code's mark with the stored one; if it differs, its sessions follow after the commit.

    Call it in the transaction that saves the code. The most urgent sessions follow at once, the others by `worker`.
    """
    before = ReasonCode.objects.select_for_update().filter(pk=code.pk).first()
    if code.is_suspicion == (before is not None and before.is_suspicion):
        # What somebody else's change has left to do stays.
        code.suspicion_changed_at = before.suspicion_changed_at if before else None
        return
    code.suspicion_changed_at = timezone.now()
    transaction.on_commit(lambda: _let_follow(code, _urgent(code)), robust=True)


@dataclass(slots=True)
class _Way:
    """How far through a code's sessions, by key; since when, and whether all of them could follow."""

    began_at: datetime = field(default_factory=timezone.now)
    after: UUID = NO_KEY
    is_whole: bool = True


class Following:
    """One worker's ways through the sessions of each code whose mark changed.

    Only the way is kept in memory: another worker, or this one after it was killed, finds whatever disagrees with the
    mark and no more. A code is done with when a way that began after the latecomers came to its end.
    """

    def __init__(self) -> None:
        self._ways: dict[tuple[int, datetime], _Way] = {}

    def portion(self) -> int:
        """Let the next sessions follow and return how many were looked at: none when there is no more to do by now."""
        for code in ReasonCode.objects.exclude(suspicion_changed_at=None).order_by("suspicion_changed_at"):
            if n_seen := self._portion_of(code):
                return n_seen
        return 0

    def _portion_of(self, code: ReasonCode) -> int:
        assert code.suspicion_changed_at is not None, "It was asked for."  # noqa: S101
        key = (code.pk, code.suspicion_changed_at)
        way = self._ways.setdefault(key, _Way())
        rest = _disagreeing(code).filter(pk__gt=way.after).order_by("pk")
        ids = list(rest.values_list("pk", flat=True)[:PORTION])
        if ids:
            way.after = ids[-1]
            way.is_whole &= _let_follow(code, ids)
            return len(ids)
        del self._ways[key]
        if way.is_whole and way.began_at >= code.suspicion_changed_at + LATECOMERS:
            # Unless it was changed once more since.
            ReasonCode.objects.filter(pk=code.pk, suspicion_changed_at=code.suspicion_changed_at).update(
                suspicion_changed_at=None
            )
        return 0


def _disagreeing(code: ReasonCode) -> SessionQuerySet:
    """Return the sessions in REVIEW that have the code, as corrected, in any check, and do not go by its mark.

    Some of them rightly so: they have it from an earlier round, or are suspect for another code too.
    """
    has_code = Exists(Reason.objects.filter(kyc_check__session=OuterRef("pk"), code=code.code))
    return Session.objects.in_review().filter(has_code, is_suspect=not code.is_suspicion)


def _urgent(code: ReasonCode) -> list[UUID]:
    """Return a portion of them, due first, found by their newest checks: the index of the queue's filter has those."""
    has_code = {"facets__kind": FacetKind.CODE, "facets__digest": code.digest}
    found = Session.objects.in_review().filter(**has_code, is_suspect=not code.is_suspicion)
    return list(found.order_by("facets__due_at", "pk").values_list("pk", flat=True)[:PORTION])


def _let_follow(code: ReasonCode, session_ids: list[UUID]) -> bool:
    """Let each session follow in a transaction of its own; return whether all could. One that cannot stops no other."""
    is_whole = True
    for session_id in session_ids:
        try:
            _follow(code, session_id)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - its own text may hold personal data
            with tracing.about(session=session_id):
                logger.error("Session %s could not follow its code: %s", session_id, type(error).__name__)
            is_whole = False
    return is_whole


@transaction.atomic
def _follow(code: ReasonCode, session_id: UUID) -> None:
    session = folding.lock(session_id)
    was_suspect = session.is_suspect
    change = folding.refold(session)
    if not change.is_changed:
        return
    acts.record(
        session,
        "session.suspicion_followed",
        by=None,
        reason_code=code.pk,
        was_suspect=was_suspect,
        is_suspect=session.is_suspect,
    )
    if change.is_newly_suspect:
        occasion = f"code {code.pk} {code.suspicion_changed_at}"
        session_referred.send(Session, session=session, kind="escalated", occasion=occasion, by=None, to=None)
