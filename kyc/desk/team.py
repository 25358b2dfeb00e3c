"""The people who share the queue: who holds how much of it, and whom a supervisor can give a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet

from kyc import querysets
from kyc.desk.remembered import Remembered
from kyc.desk.views import FOR_OFFICERS
from kyc.models import Session, User
from kyc.querysets import CLAIMED, CappedCount
from kyc.review.acts import DECIDE, SUPERVISE, is_for_supervisors, people_with
from kyc.review.claims import People


@dataclass(frozen=True, slots=True)
class Member:
    """One who may decide. `n_held` is capped."""

    pk: int
    username: str
    n_held: int
    is_supervisor: bool


class Team(dict[int, Member]):
    """All who may decide, by key, in the order of their names."""

    @property
    def people(self) -> People:
        """Return their keys, for conditions that would look them up once more."""
        return People(tuple(self), tuple(pk for pk, member in self.items() if member.is_supervisor))

    def holder(self, session: Session, now: datetime) -> Member | None:
        """Return who holds a session, as `kyc.review.holder` does, without another query."""
        if session.assignee_id is None or session.claimed_until is None or session.claimed_until <= now:
            return None
        found = self.get(session.assignee_id)
        return None if found and is_for_supervisors(session) and not found.is_supervisor else found


def team(now: datetime) -> Team:
    """Return the people who may decide. One query."""
    rows = _remembered(querysets.CAP, connection.vendor).rows(now)
    return Team(
        (pk, Member(pk, name, n_all if is_supervisor else n_own, is_supervisor))
        for pk, name, n_all, n_own, is_supervisor in rows
    )


@lru_cache(maxsize=4)
def _remembered(*_settings: object) -> Remembered:
    return Remembered.of(_query)


def _query(now: datetime) -> QuerySet[User, tuple[Any, ...]]:
    held = Session.objects.filter(CLAIMED, assignee=OuterRef("pk"), claimed_until__gt=now)
    # Asked once: as a condition of the count it would be looked up again.
    supervises = ExpressionWrapper(Q(pk__in=people_with(SUPERVISE).values("pk")), BooleanField())
    counts = (CappedCount(held), CappedCount(held.filter(FOR_OFFICERS)))
    return people_with(DECIDE).order_by("username").values_list("pk", "username", *counts, supervises)
