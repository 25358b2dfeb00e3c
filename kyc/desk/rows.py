"""The queue's rows: each session with its checks, the reasons that matter, and its attempt. Three queries a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from uuid import UUID

from django.db.models import OuterRef, Q
from django.db.models.functions import Left

from kyc.choices import CheckState, DeliverySource
from kyc.models import Check, Reason, Session
from kyc.querysets import CappedCount

# What a row can show of a delivery that brings more than any real one.
MOST_CHECKS, MOST_REASONS, LONGEST = 16, 16, 200
CODES_SHOWN = 2
STATE_ORDER = (CheckState.REFUSED, CheckState.UNKNOWN, CheckState.VALIDATED)


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


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue."""

    session: Session
    checks: Sequence[ShownCheck]
    attempt: int
    n_rejected: int

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
    def n_more_codes(self) -> int:
        return len(self.all_codes) - len(self.codes)

    @property
    def refused_types(self) -> list[str]:
        return list(dict.fromkeys(check.type for check in self.refused))

    @property
    def message(self) -> str:
        """Return the first message that says why."""
        return next((r.message for check in self.refused for r in check.reasons if r.message), "")


def rows(sessions: Sequence[Session]) -> list[Row]:
    """Return the sessions' rows, in their order."""
    checks = _checks(session.evidence_id for session in sessions)
    attempts = _attempts(session.pk for session in sessions)
    return [
        Row(session, checks.get(session.evidence_id, []), *attempts.get(session.pk, (1, 0)))
        for session in sessions
    ]


def _checks(deliveries: Iterable[int | None]) -> dict[int | None, list[ShownCheck]]:
    """Return each delivery's checks with their reasons, without raw data, and long texts cut."""
    wanted = [pk for pk in deliveries if pk is not None]
    found = Check.objects.filter(delivery__in=wanted, position__lt=MOST_CHECKS).order_by(
        "delivery_id", "position"
    )
    by_delivery: dict[int | None, list[ShownCheck]] = defaultdict(list)
    by_pk: dict[int, ShownCheck] = {}
    columns = ("pk", "delivery_id", Left("type", LONGEST), "state", "delivery__source")
    for pk, delivery, type_, state, source in found.values_list(*columns):
        by_pk[pk] = ShownCheck(type_, CheckState(state), source == DeliverySource.API)
        by_delivery[delivery].append(by_pk[pk])
    reasons = Reason.objects.filter(kyc_check__in=by_pk, position__lte=MOST_REASONS).order_by(
        "kyc_check_id", "position"
    )
    texts = (Left(name, LONGEST) for name in ("code", "category", "message"))
    for check, *shown in reasons.values_list("kyc_check_id", *texts):
        if len(by_pk[check].reasons) < MOST_REASONS:
            by_pk[check].reasons.append(ShownReason(*shown))
        else:
            by_pk[check].has_more = True
    return by_delivery


def _attempts(sessions: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return which attempt of its subject each session is, and how many of the earlier ones were rejected."""
    same = Q(user_id=OuterRef("user_id")) | Q(related_party_id=OuterRef("related_party_id"))
    before = Q(state_since__lt=OuterRef("state_since")) | Q(
        state_since=OuterRef("state_since"), pk__lt=OuterRef("pk")
    )
    earlier = Session.objects.filter(same, before)
    found = Session.objects.filter(pk__in=list(sessions)).values_list(
        "pk", CappedCount(earlier) + 1, CappedCount(earlier.rejected())
    )
    return {pk: (attempt, n_rejected) for pk, attempt, n_rejected in found}
