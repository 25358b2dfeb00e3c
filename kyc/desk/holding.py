"""Who holds a session, as its page says it to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kyc.choices import SessionState
from kyc.desk.deciders import Deciders
from kyc.models import Session, User
from kyc.review import acts


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds the session, until when and since when, and who would like to have it."""

    holder: User | None
    until: datetime | None
    since: datetime | None
    asker: User | None
    is_mine: bool
    is_asked_by_me: bool
    may_claim: bool
    assignable: Sequence[User] = ()


def claim_of(
    session: Session, person: User, people: Deciders, now: datetime, held_since: datetime | None
) -> Claim:
    """Return the claim as the person finds it; `held_since` is when somebody last came to hold the session."""
    holder = people.holder(session, now)
    asker = people.asker(session) if holder else None
    may_claim = person.pk in people.everybody and session.proposed_by_id != person.pk
    may_assign = session.state == SessionState.REVIEW and person.has_perm(acts.SUPERVISE)
    return Claim(
        holder,
        session.claimed_until if holder else None,
        held_since if holder else None,
        asker,
        is_mine=holder == person,
        is_asked_by_me=asker == person,
        may_claim=may_claim,
        assignable=people.assignable(session, holder) if may_assign else (),
    )
