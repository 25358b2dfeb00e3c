"""Who works at which session. A claim is a lease: it ends by itself, and from then on the session is free.

It is also over when its holder may not decide the session any more: when the account is closed, the role is taken
away, or the session goes to supervisors. `acts.holder()` says so of one session, `free()` and `held()` to a query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Session, User
from kyc.querysets import IN_REVIEW
from kyc.review import acts


@dataclass(frozen=True, slots=True)
class People:
    """Who may decide sessions, and who those that are left to supervisors: their keys, or a query that finds them."""

    deciders: QuerySet[User] | tuple[int, ...]
    supervisors: QuerySet[User] | tuple[int, ...]


# --- Questions -----------------------------------------------------------------------------------
def people() -> People:
    return People(acts.people_with(acts.DECIDE), acts.people_with(acts.DECIDE, acts.SUPERVISE))


def held(now: datetime, among: People | None = None) -> Q:
    """Return the condition that somebody holds a session. Whoever knows the people already spares a look-up."""
    among = among or people()
    is_for_officers = Q(escalated_at__isnull=True, is_disputed=False)
    may = (is_for_officers & Q(assignee__in=among.deciders)) | Q(assignee__in=among.supervisors)
    return Q(assignee__isnull=False, claimed_until__gt=now) & may


def free(now: datetime, among: People | None = None) -> Q:
    """Return the condition that nobody holds a session."""
    among = among or people()
    is_for_supervisors = Q(escalated_at__isnull=False) | Q(is_disputed=True)
    may_not = ~Q(assignee__in=among.deciders) | (is_for_supervisors & ~Q(assignee__in=among.supervisors))
    # In this order: the people are looked up only for a claim that has not ended.
    return Q(assignee__isnull=True) | Q(claimed_until__lte=now) | may_not


def holders(sessions: Iterable[Session], now: datetime) -> dict[UUID, User]:
    """Return who holds each of these sessions, in one query; those that are free are left out."""
    running = {
        session.pk: session
        for session in sessions
        if session.claimed_until is not None and session.claimed_until > now
    }
    found = Session.objects.filter(held(now), pk__in=running).select_related("assignee") if running else ()
    return {session.pk: session.assignee for session in found if session.assignee is not None}


def may_claim(session: Session, person: User, now: datetime) -> bool:
    """Return True when the person could claim the session, or holds it."""
    try:
        guard_may_claim(session, person)
        acts.guard_not_held_by_another(session, person, now)
    except (ActForbidden, ActRefused):
        return False
    return True


def people_to_assign(session: Session) -> QuerySet[User]:
    """Return the people who may decide the session, by name. Who proposed a decision does not check it."""
    people = acts.people_to_decide(session).order_by("username")
    return people.exclude(pk=session.proposed_by_id) if session.proposed_by_id else people


# --- Acts ----------------------------------------------------------------------------------------
def claim(session_id: UUID, *, by: User) -> Session:
    """Claim a free session. One's own is renewed."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        guard_may_claim(session, by)
        if not take(session, by, now):
            session.claimed_until = now + settings.KYC_CLAIM
            session.save(update_fields=["claimed_until"])
    return session


def take(session: Session, by: User, now: datetime) -> bool:
    """Claim the locked session inside another act's transaction; False when the person holds it already."""
    acts.guard_not_held_by_another(session, by, now)
    if acts.holder(session, now) == by:
        return False
    before = session.assignee_id
    give(session, by, now)
    record_claim(session, by, before)
    return True


def renew(session_id: UUID, *, by: User) -> datetime | None:
    """Begin the lease anew while its page is in use, and return its end; None when the person does not hold it."""
    now = timezone.now()
    until = now + settings.KYC_CLAIM
    own = Session.objects.filter(held(now), IN_REVIEW, pk=session_id, assignee=by)
    return until if own.update(claimed_until=until) else None


def release(session_id: UUID, *, by: User) -> Session:
    """Give a session back. A supervisor releases another person's too."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        acts.guard_may(by, acts.DECIDE, acts.MAY_NOT_DECIDE)
        acts.guard_in_review(session)
        holder = held_by(session, now)
        if holder != by:
            words = gettext("%(name)s holds this session, and can release it.")
            acts.guard_may(by, acts.SUPERVISE, words % {"name": holder.username})
        give(session, None, now)
        acts.record(session, "session.released", by=by, before=holder.pk)
    return session


def assign(session_id: UUID, *, by: User, to: User) -> Session:
    """Give a session to somebody who may decide it, whoever holds it."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        acts.guard_may(by, acts.SUPERVISE, gettext("Only supervisors assign sessions."))
        acts.guard_in_review(session)
        if not people_to_assign(session).filter(pk=to.pk).exists():
            words = gettext("%(name)s may not decide this session.")
            raise ActRefused({"to": words % {"name": to.username}})
        holder = acts.holder(session, now)
        if holder == to:
            raise ActRefused(gettext("%(name)s holds this session already.") % {"name": to.username})
        give(session, to, now)
        acts.record(session, "session.assigned", by=by, to=to.pk, before=holder.pk if holder else None)
    return session


# --- Guards --------------------------------------------------------------------------------------
def guard_may_claim(session: Session, by: User) -> None:
    """Refuse whoever could not have the session, were it free."""
    acts.guard_may_decide(session, by)
    acts.guard_in_review(session)
    if session.proposed_by_id == by.pk:
        raise ActForbidden(
            gettext("You proposed the decision that waits here. Another person confirms or returns it.")
        )


def held_by(session: Session, now: datetime) -> User:
    """Return who holds the session, or refuse what only makes sense when somebody does."""
    holder = acts.holder(session, now)
    if holder is None:
        raise ActRefused(gettext("Nobody holds this session."))
    return holder


# --- Writing -------------------------------------------------------------------------------------
def give(session: Session, person: User | None, now: datetime) -> None:
    """Put the locked session into somebody's hands, or nobody's. Whoever asked for it has their answer."""
    session.assignee = person
    session.claimed_until = now + settings.KYC_CLAIM if person else None
    session.asked_by = session.asked_at = None
    session.version += 1
    session.save(update_fields=["assignee", "claimed_until", "asked_by", "asked_at", "version"])


def record_claim(session: Session, by: User, before: int | None) -> None:
    """`before` is whose claim had ended, when it was another person's."""
    theirs = {"before": before} if before not in (None, by.pk) else {}
    acts.record(session, "session.claimed", by=by, **theirs)
