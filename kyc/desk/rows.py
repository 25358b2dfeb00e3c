"""The queue's rows: each session with its checks, the reasons that matter, and who holds it. One query a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain, zip_longest

from django.conf import settings
from django.db import connection
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL

from kyc import querysets
from kyc.choices import CheckState, DeliverySource, SessionState
from kyc.desk.team import Member, Team
from kyc.models import Session, User
from kyc.querysets import SessionQuerySet
from kyc.review.acts import DECIDE, SUPERVISE, is_for_supervisors

# What a row can show of a delivery that brings more than any real one.
MOST_CHECKS, MOST_REASONS, LONGEST = 16, 16, 200
CODES_SHOWN = 2
STATE_ORDER = (CheckState.REFUSED, CheckState.UNKNOWN, CheckState.VALIDATED)
# The ORM would take longer to write this, page after page, than PostgreSQL to answer it.
CHECKS = f"""
SELECT c.id, c.delivery_id, substr(c.type, 1, {LONGEST}), c.state, d.source, r.id,
    substr(r.code, 1, {LONGEST}), substr(r.category, 1, {LONGEST}), substr(r.message, 1, {LONGEST})
FROM kyc_check c JOIN kyc_delivery d ON d.id = c.delivery_id
LEFT JOIN kyc_reason r ON r.kyc_check_id = c.id AND r.position <= {MOST_REASONS}
WHERE c.delivery_id IN ({{deliveries}}) AND c.position < {MOST_CHECKS}
ORDER BY c.delivery_id, c.position, r.position
"""  # noqa: S608 - the numbers are constants, and the values are parameters
# Which of its subject's sessions came before it.
EARLIER = """
SELECT count(*) FROM (
    SELECT 1 FROM kyc_session e
    WHERE (e.user_id = kyc_session.user_id OR e.related_party_id = kyc_session.related_party_id)
    AND (e.first_event_at, e.id) < (kyc_session.first_event_at, kyc_session.id) {state} LIMIT %s
) AS counted
"""
STATES = {str(state): state for state in CheckState}


@dataclass(slots=True)
class ShownReason:
    code: str
    category: str
    message: str


@dataclass(slots=True)
class ShownCheck:
    type: str
    state: CheckState
    is_from_api: bool = False
    reasons: list[ShownReason] = field(default_factory=list)
    has_more: bool = False

    @property
    def is_refused(self) -> bool:
        return self.state == CheckState.REFUSED


@dataclass(frozen=True)
class Reader:
    """Who looks at the rows, when, and among whom."""

    by: User
    now: datetime
    people: Team

    @cached_property
    def decides(self) -> bool:
        return self.by.has_perm(DECIDE)

    @cached_property
    def supervises(self) -> bool:
        return self.by.has_perm(SUPERVISE)

    def may_claim(self, session: Session) -> bool:
        """Return True when the person could claim the session if it is free. As `kyc.review.may_claim`."""
        return (
            session.state == SessionState.REVIEW
            and self.decides
            and (not is_for_supervisors(session) or self.supervises)
            and session.proposed_by_id != self.by.pk
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue. `mark` changes with whatever of the line other people, Ralio and the clock change."""

    session: Session
    checks: Sequence[ShownCheck]
    holder: Member | None
    is_mine: bool
    can_claim: bool
    mark: str
    waits_until: datetime | None

    @property
    def is_in_review(self) -> bool:
        return self.session.state == SessionState.REVIEW

    @property
    def attempt(self) -> int:
        """Return which attempt of its subject the session is."""
        return int(self.session.attempt)  # type: ignore[attr-defined]

    @property
    def n_rejected(self) -> int:
        """Return how many of the subject's earlier sessions were rejected."""
        return int(self.session.n_rejected)  # type: ignore[attr-defined]

    @property
    def is_from_api(self) -> bool:
        """Return True when the checks were asked for, not sent. They are one set, of one delivery."""
        return any(check.is_from_api for check in self.checks)

    @property
    def refused(self) -> list[ShownCheck]:
        return [check for check in self.checks if check.is_refused]

    @property
    def refused_first(self) -> list[ShownCheck]:
        return sorted(self.checks, key=lambda check: STATE_ORDER.index(check.state))

    @property
    def n_earlier(self) -> int:
        return self.attempt - 1

    @property
    def all_codes(self) -> list[str]:
        """Return the codes of the refused checks: first the top one of each, then the second ones, and so on."""
        by_check = [[reason.code for reason in check.reasons] for check in self.refused]
        return list(dict.fromkeys(code for code in chain(*zip_longest(*by_check)) if code is not None))

    @property
    def codes(self) -> list[str]:
        return self.all_codes[:CODES_SHOWN]

    @property
    def n_more_checks(self) -> int:
        return max(0, self.session.n_checks - len(self.checks))

    @property
    def is_cut(self) -> bool:
        """Return True when the session has more than the row knows of, and a number would be wrong."""
        return bool(self.n_more_checks) or any(check.has_more for check in self.checks)

    @property
    def refused_types(self) -> list[str]:
        return list(dict.fromkeys(check.type for check in self.refused))

    @property
    def message(self) -> str:
        """Return the first message that says why."""
        return next((r.message for check in self.refused for r in check.reasons if r.message), "")


def shown(sessions: SessionQuerySet) -> SessionQuerySet:
    """Return the sessions with what a row counts of its subject's other sessions."""
    most = querysets.CAP + 1
    every, rejected = (
        RawSQL(EARLIER.format(state=state), [most], output_field=IntegerField())  # noqa: S611 - of constants
        for state in ("", f"AND e.state = '{SessionState.REJECTED}'")
    )
    return sessions.annotate(attempt=every + 1, n_rejected=rejected)


def rows(sessions: Sequence[Session], reader: Reader) -> list[Row]:
    """Return the rows of `shown` sessions, in their order."""
    checks = _checks(session.evidence_id for session in sessions)
    return [_row(session, checks.get(session.evidence_id, []), reader) for session in sessions]


def mark(session: Session, now: datetime) -> str:
    """Return a text that differs when a row does: by its version, by a lease or a wait that ended, by its due time."""
    is_held = session.claimed_until is not None and session.claimed_until > now
    is_asleep = session.snoozed_until is not None and session.snoozed_until > now
    holder = session.assignee_id if is_held else 0
    return f"{session.version}-{holder}-{_urgency(session, now)}{'w' if is_asleep else ''}"


def _urgency(session: Session, now: datetime) -> str:
    if session.due_at is None:
        return "n"
    if session.due_at < now:
        return "o"
    return "s" if session.due_at <= now + settings.KYC_DUE_SOON else "k"


def _row(session: Session, checks: Sequence[ShownCheck], reader: Reader) -> Row:
    holder = reader.people.holder(session, reader.now)
    asleep = session.snoozed_until
    return Row(
        session,
        checks,
        holder=holder,
        is_mine=holder is not None and holder.pk == reader.by.pk,
        can_claim=holder is None and reader.may_claim(session),
        mark=mark(session, reader.now),
        waits_until=asleep if asleep and asleep > reader.now else None,
    )


def _checks(deliveries: Iterable[int | None]) -> dict[int | None, list[ShownCheck]]:
    """Return each delivery's checks with their reasons, without raw data, and long texts cut. One query."""
    wanted = [pk for pk in deliveries if pk is not None]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(CHECKS.format(deliveries=", ".join(["%s"] * len(wanted))), wanted)
        rows = cursor.fetchall()
    by_delivery: dict[int | None, list[ShownCheck]] = defaultdict(list)
    by_pk: dict[int, ShownCheck] = {}
    for pk, delivery, type_, state, source, reason, *words in rows:
        if pk not in by_pk:
            by_pk[pk] = ShownCheck(type_, STATES[state], source == DeliverySource.API)
            by_delivery[delivery].append(by_pk[pk])
        if reason is None:
            continue
        if len(by_pk[pk].reasons) < MOST_REASONS:
            by_pk[pk].reasons.append(ShownReason(*words))
        else:
            by_pk[pk].has_more = True
    return by_delivery
