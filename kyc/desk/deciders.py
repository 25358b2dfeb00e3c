"""Who may work at a session besides the person who looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from kyc.choices import SessionState
from kyc.models import Session, User
from kyc.review import acts


@dataclass(frozen=True, slots=True)
class Deciders:
    """The people who may decide the session, and the supervisors among those who decide any."""

    everybody: Mapping[int, User] = field(default_factory=dict)
    supervisors: Mapping[int, User] = field(default_factory=dict)

    def holder(self, session: Session, now: datetime) -> User | None:
        """Return who holds the session, as `review.holder` does, without asking again."""
        if session.assignee_id is None or session.claimed_until is None or session.claimed_until <= now:
            return None
        return self.everybody.get(session.assignee_id)

    def asker(self, session: Session) -> User | None:
        """Return who asks for the session, if that person could have it still."""
        if session.asked_by_id is None or session.asked_by_id == session.proposed_by_id:
            return None
        return self.everybody.get(session.asked_by_id)

    def others(self, person: User) -> list[User]:
        return [other for other in self.everybody.values() if other != person]

    def other_supervisors(self, person: User) -> list[User]:
        return [other for other in self.supervisors.values() if other != person]

    def assignable(self, session: Session, holder: User | None) -> list[User]:
        """Return whom a supervisor can give the session to: who proposed a decision does not check it."""
        return [
            person
            for person in self.everybody.values()
            if person != holder and person.pk != session.proposed_by_id
        ]


def people() -> QuerySet[User]:
    """Return the people who may decide any session, by name."""
    supervises = Q(pk__in=acts.people_with(acts.SUPERVISE).values("pk"))
    found = acts.people_with(acts.DECIDE).annotate(
        is_supervisor=ExpressionWrapper(supervises, output_field=BooleanField())
    )
    return found.order_by("username")


def of(session: Session, found: Iterable[User]) -> Deciders:
    """Return who of `people` may decide a session in review; nobody works at another one."""
    if session.state != SessionState.REVIEW:
        return Deciders()
    everybody: dict[int, Any] = {person.pk: person for person in found}
    supervisors = {pk: person for pk, person in everybody.items() if person.is_supervisor}
    return Deciders(supervisors if acts.is_for_supervisors(session) else everybody, supervisors)
