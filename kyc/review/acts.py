"""The beats that every act shares: the lock, the guards, the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from kyc import folding, ledger
from kyc.choices import SessionState
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Session, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DECIDE = "kyc.decide_session"
CHECK = "kyc.check_session"
SUPERVISE = "kyc.supervise_session"
MAY_NOT_DECIDE = gettext_lazy(
    "Your role can read sessions and not decide them. An administrator can change that."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person had before them: the session's version, and the delivery of the newest event that counted."""

    version: int
    basis: int


def lock(session_id: UUID) -> Session:
    """Return the session, locked until the transaction ends; one that we do not know is refused."""
    try:
        return folding.lock(session_id)
    except Session.DoesNotExist:
        raise ActRefused(gettext("This session does not exist.")) from None


def holder(session: Session, now: datetime | None = None) -> User | None:
    """Return who holds the session: nobody from the instant on at which the lease ends.

    Nor does somebody hold it who may not decide it any more, for want of an active account or of the role.
    """
    if session.assignee_id is None or session.claimed_until is None:
        return None
    if session.claimed_until <= (now or timezone.now()):
        return None
    return people_to_decide(session).filter(pk=session.assignee_id).first()


def people_with(*permissions: str) -> QuerySet[User]:
    """Return the people whose account is active and to whom a role grants each of these permissions."""
    people = User.objects.filter(is_active=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        granted = Permission.objects.filter(content_type__app_label=app, codename=codename)
        by_role = granted.values("group__user")
        people = people.filter(Q(is_superuser=True) | Q(pk__in=by_role))
    return people


def people_to_decide(session: Session) -> QuerySet[User]:
    """Return the people who may decide a session like this."""
    return people_with(DECIDE, SUPERVISE) if is_for_supervisors(session) else people_with(DECIDE)


def is_for_supervisors(session: Session) -> bool:
    """Return True when officers leave the session to supervisors."""
    return session.is_disputed or session.escalated_at is not None


def guard_may(by: User, permission: str, words: StrOrPromise) -> None:
    if not (by.is_active and by.has_perm(permission)):
        raise ActForbidden(str(words))


def guard_may_decide(session: Session, by: User) -> None:
    """Refuse a person whose role does not decide, or not a session like this."""
    guard_may(by, DECIDE, MAY_NOT_DECIDE)
    if is_for_supervisors(session):
        guard_may(by, SUPERVISE, gettext("This session waits for a supervisor."))


def guard_in_review(session: Session) -> None:
    if session.state != SessionState.REVIEW:
        words = gettext("This session is not in review any more. It is %(state)s.")
        raise SessionChanged(words % {"state": session.state})


def guard_seen(session: Session, seen: Seen) -> None:
    """Refuse an act on what the person has not seen."""
    if session.version != seen.version or folding.basis(session) != seen.basis:
        raise SessionChanged(
            gettext(
                "This session changed while you had it open. Nothing was saved; what you typed is still here."
            )
        )


def guard_not_held_by_another(session: Session, by: User, now: datetime) -> None:
    other = holder(session, now)
    if other is not None and other != by:
        raise ClaimedByAnother(gettext("%(name)s holds this session.") % {"name": other.username})


def record(session: Session, action: str, *, by: User | None, **detail: ledger.Detail) -> None:
    """Append the act to the session's chain, with the state, round and version that it left."""
    ledger.append(
        ledger.session_chain(session.pk),
        action,
        actor=by,
        **detail,
        state=str(session.state),
        round=session.round,
        version=session.version,
    )
