"""The questions that officers ask of the tables, as words that chain. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db.models import BinaryField, Case, F, IntegerField, Model, Q, QuerySet, Subquery, When
from django.db.models.constants import OnConflict

from kyc.choices import DeliveryStatus, SessionState

if TYPE_CHECKING:
    from kyc.models import Delivery, Session

    _Sessions = QuerySet[Session]
    _Deliveries = QuerySet[Delivery]
else:
    _Sessions = _Deliveries = QuerySet

IN_REVIEW = Q(state=SessionState.REVIEW)
REJECTED = Q(state=SessionState.REJECTED)
# What officers leave to supervisors: escalated by a person or for a suspicion, or in dispute with Ralio.
FOR_SUPERVISORS = IN_REVIEW & (Q(escalated_at__isnull=False) | Q(is_disputed=True))
CLAIMED = IN_REVIEW & Q(assignee__isnull=False)
PROPOSED = IN_REVIEW & Q(proposed_by__isnull=False)
SNOOZED = IN_REVIEW & Q(snoozed_until__isnull=False)
# Decided at this desk, and Ralio has not been told: its portal still says REVIEW.
UNENTERED = Q(provider_state=SessionState.REVIEW, decided_by__isnull=False) & ~IN_REVIEW

# Counting stops here, and the number reads "1,000+".
CAP = 1000


def insert_once(row: Model) -> bool:
    """Insert a row, and return False when a constraint says that its like is there.

    Waits for a like row that another transaction is inserting. Unlike `bulk_create(ignore_conflicts=True)` it tells
    what happened, in one statement, and sets the key.
    """
    options = row._meta
    assert options.pk is not None  # noqa: S101 - for the type checker: each model has one
    fields = [item for item in options.concrete_fields if not (item.primary_key and row.pk is None)]
    returned = (
        type(row)
        ._base_manager.all()
        ._insert(  # type: ignore[attr-defined]
            [row], fields, returning_fields=[options.pk], on_conflict=OnConflict.IGNORE
        )
    )
    if not returned:
        return False
    row.pk = returned[0][0]
    row._state.adding = False
    row._state.db = "default"
    return True


class CappedCount(Subquery):
    """The number of a query's rows up to one more than CAP, as a column of another query.

    `along` names a column in whose order an index has them. PostgreSQL needs it where the other query says what is
    counted: it reckons with the average value, and would read the whole table for one that is rare.
    """

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any], *, along: str = "") -> None:
        super().__init__(rows.order_by(*along.split()).values("pk")[: CAP + 1])


class SessionQuerySet(_Sessions):
    def in_review(self) -> Self:
        """Sessions that an officer has to decide, disputed ones among them."""
        return self.filter(IN_REVIEW)

    def rejected(self) -> Self:
        return self.filter(REJECTED)

    def capped_count(self) -> int:
        """Count up to one more than CAP, so that the cost does not grow with the table."""
        return self.order_by()[: CAP + 1].count()

    def due_first(self) -> Self:
        return self.order_by("due_at", "id")

    def of_subject(self, session: Session) -> Self:
        """The subject's other sessions: same user, or same related party."""
        same = Q(pk__in=[])
        if session.user_id:
            same |= Q(user_id=session.user_id)
        if session.related_party_id:
            same |= Q(related_party_id=session.related_party_id)
        return self.filter(same).exclude(pk=session.pk)


class DeliveryQuerySet(_Deliveries):
    def in_event_order(self) -> Self:
        """Newest event first; the fold decides ties by state, this order by arrival."""
        return self.order_by("-event_at", "-id")

    def records_about(self, session: Session) -> Self:
        """The KYC and KYB record events that concern a session's subject."""
        about = Q(pk__in=[])
        if session.user_id:
            about |= Q(user_id=session.user_id)
        if session.related_party_id:
            about |= Q(related_party_id=session.related_party_id)
        return self.filter(about, status=DeliveryStatus.RECORDED)

    def with_short_bodies(self, longest: int) -> Self:
        """Load `short_body` in place of `body`: the exact bytes, or None where they are more than `longest`."""
        short = Case(When(n_bytes__lte=longest, then=F("body")), output_field=BinaryField())
        return self.annotate(short_body=short).defer("body")
