"""The queue's views: whom a session waits for, as conditions that an index of its own or the queue's serves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from kyc.models import User
from kyc.querysets import CLAIMED, FOR_SUPERVISORS, IN_REVIEW, PROPOSED, SNOOZED
from kyc.review import claims
from kyc.review.acts import SUPERVISE
from kyc.review.claims import People

FOR_OFFICERS = Q(escalated_at__isnull=True, is_disputed=False)


class View(StrEnum):
    """A view's name in the address."""

    MINE = "mine"
    FREE = "free"
    SUPERVISORS = "supervisors"
    SECOND = "second"
    WAITING = "waiting"


# What has a narrow index in due order; the rest is read off the queue's.
NARROW = frozenset({View.MINE, View.SUPERVISORS, View.SECOND, View.WAITING})


def condition(view: View, by: User | None, now: datetime, among: People | None = None) -> Q:
    """Return which sessions a person's view holds. Without a person nobody holds anything."""
    match view:
        case View.MINE:
            return mine(by, now)
        case View.FREE:
            return free(by, now, among)
        case View.SUPERVISORS:
            return FOR_SUPERVISORS
        case View.SECOND:
            return PROPOSED
        case View.WAITING:
            return SNOOZED & Q(snoozed_until__gt=now)


def mine(by: User | None, now: datetime) -> Q:
    """Return the condition that the person holds a session. The same as `claims.held`, without looking up people."""
    return CLAIMED & Q(assignee=by.pk if by else None, claimed_until__gt=now) & _of_role(by)


def held(people: Sequence[int], now: datetime, among: People | None = None) -> Q:
    """Return the condition that one of these people holds a session."""
    # One person is a range of the index of claims; several are not.
    who = Q(assignee=people[0]) if len(people) == 1 else Q(assignee__in=people)
    return CLAIMED & who & claims.held(now, among)


def unassigned(now: datetime, among: People | None = None) -> Q:
    """Return the condition that nobody holds a session."""
    return IN_REVIEW & claims.free(now, among)


def free(by: User | None, now: datetime, among: People | None = None) -> Q:
    """Return what "Claim next" may take: unassigned, not waiting, not proposed, and within the person's role."""
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    return unassigned(now, among) & awake & Q(proposed_by__isnull=True) & _of_role(by)


def _of_role(by: User | None) -> Q:
    return Q() if by is not None and by.has_perm(SUPERVISE) else FOR_OFFICERS
