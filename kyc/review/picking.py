"""Claim next: the most urgent session of a view that is free for a person, which nobody else is given meanwhile."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from kyc.models import Session, User
from kyc.querysets import IN_REVIEW, SessionQuerySet
from kyc.review import acts, claims

# One statement, so that of any number of people at once no two get the same session and nobody waits.
_CLAIM_FIRST = """
WITH first AS MATERIALIZED ({free})
UPDATE kyc_session
SET assignee_id = %s, claimed_until = %s, asked_by_id = NULL, asked_at = NULL, version = kyc_session.version + 1
FROM first WHERE kyc_session.id = first.id
RETURNING kyc_session.*, first.assignee_id AS before_id
"""
# How often "claim next" waits for whoever works at the last free sessions, before it says that there are none.
_PATIENCE = 5


def claim_next(sessions: SessionQuerySet, *, by: User, is_for_checking: bool = False) -> Session | None:
    """Claim the first session of a view that is free for this person; None when there is none.

    `sessions` are in the view's order, before any paging. With `is_for_checking` it is the view of what others have
    proposed; in every other view those sessions are left out.
    """
    acts.guard_may(by, acts.DECIDE, acts.MAY_NOT_DECIDE)
    if is_for_checking:
        acts.guard_may(by, acts.CHECK, gettext("Your role does not confirm the decisions of others."))
    for _ in range(_PATIENCE):
        now = timezone.now()
        wanted = sessions.filter(_for_anybody(now, by, is_for_checking=is_for_checking))
        session = _claim_first(wanted, by, now)
        if session is not None:
            return session
        if (last := wanted.values_list("pk", flat=True).first()) is None:
            return None
        # Somebody is at work on what is left, and may leave it free: a delivery that is being stored does.
        session = _claim_first(wanted.filter(pk=last), by, now, waits=True)
        if session is not None:
            return session
    return None


def _for_anybody(now: datetime, by: User, *, is_for_checking: bool) -> Q:
    """Return the condition that a session is free, and that this person would be given it."""
    wanted = IN_REVIEW & claims.free(now) & (Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))
    if is_for_checking:
        wanted &= Q(proposed_by__isnull=False) & ~Q(proposed_by=by)
    else:
        wanted &= Q(proposed_by__isnull=True)
    if not by.has_perm(acts.SUPERVISE):
        wanted &= Q(escalated_at__isnull=True, is_disputed=False)
    return wanted


def _claim_first(wanted: SessionQuerySet, by: User, now: datetime, *, waits: bool = False) -> Session | None:
    """Claim the first of these sessions, past those that somebody is at work on unless it `waits` for them."""
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            session, before = _update_first(wanted, by, now, waits=waits)
        else:
            # SQLite: this transaction is the only one that writes.
            session = wanted.first()
            before = session.assignee_id if session else None
            if session is not None:
                claims.give(session, by, now)
        if session is not None:
            claims.record_claim(session, by, before)
    return session


def _update_first(
    wanted: SessionQuerySet, by: User, now: datetime, *, waits: bool
) -> tuple[Session | None, int | None]:
    """Claim the first of these sessions in one statement; return it, and whose claim it was before."""
    first = wanted.select_related(None).only("pk", "assignee")
    try:
        sql, values = first.select_for_update(skip_locked=not waits, of=("self",))[:1].query.sql_with_params()
    except EmptyResultSet:
        # A view that holds nothing whatever there is: a search for what nobody knows.
        return None, None
    claimed = Session.objects.raw(_CLAIM_FIRST.format(free=sql), [*values, by.pk, now + settings.KYC_CLAIM])
    for session in claimed:
        return session, session.before_id  # type: ignore[attr-defined] # RETURNING named it
    return None, None
