"""Ask whoever holds a session for it, and their two answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from kyc.exceptions import ActRefused, ClaimedByAnother
from kyc.models import Session, User
from kyc.review import acts, claims


def ask(session_id: UUID, *, by: User) -> Session:
    """Ask the holder for the session. One person asks at a time; to ask again changes nothing."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        claims.guard_may_claim(session, by)
        holder = acts.holder(session, now)
        if holder is None:
            raise ActRefused(gettext("Nobody holds this session. You can claim it."))
        if holder == by:
            raise ActRefused(gettext("You hold this session."))
        asker = _asker(session)
        if asker == by:
            return session
        if asker is not None:
            words = gettext("%(name)s has asked for this session already.")
            raise ActRefused(words % {"name": asker.username})
        session.asked_by, session.asked_at = by, now
        session.save(update_fields=["asked_by", "asked_at"])
        acts.record(session, "session.asked", by=by, holder=holder.pk)
    return session


def hand_over(session_id: UUID, *, by: User) -> Session:
    """Give the session to the person who asked for it."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        asker = _guard_asked(session, by, now)
        claims.give(session, asker, now)
        acts.record(session, "session.handed_over", by=by, to=asker.pk)
    return session


def keep(session_id: UUID, *, by: User) -> Session:
    """Tell the person who asked that the session stays where it is."""
    with transaction.atomic():
        session, now = acts.lock(session_id), timezone.now()
        asker = _guard_asked(session, by, now)
        session.asked_by = session.asked_at = None
        session.save(update_fields=["asked_by", "asked_at"])
        acts.record(session, "session.kept", by=by, asked_by=asker.pk)
    return session


def _guard_asked(session: Session, by: User, now: datetime) -> User:
    """Return who asked the holder for the session, or refuse whoever does not hold it or was not asked."""
    acts.guard_may(by, acts.DECIDE, acts.MAY_NOT_DECIDE)
    acts.guard_in_review(session)
    if claims.held_by(session, now) != by:
        raise ClaimedByAnother(gettext("You do not hold this session any more."))
    asker = _asker(session)
    if asker is None:
        raise ActRefused(gettext("Nobody asks for this session any more."))
    return asker


def _asker(session: Session) -> User | None:
    """Return who asks for the session, if that person could have it still."""
    if session.asked_by_id is None:
        return None
    return claims.people_to_assign(session).filter(pk=session.asked_by_id).first()
