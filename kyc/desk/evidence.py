"""A session's checks as its page shows them: in sets, one per delivery that brought any, the newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, IntegerField, OuterRef, TextField, Value, When
from django.db.models.functions import Length

from kyc.choices import CheckState, CorrectionTarget
from kyc.desk.jsontree import Pencil, Tree
from kyc.models import Check, Correction, Reason, ReasonCode, RejectionReason
from kyc.models.digests import text_digest
from kyc.projection import Fact
from kyc.querysets import CappedCount

MOST_CHECKS, MOST_REASONS = 200, 1000
# Longer raw data is read in its delivery, as text.
LONGEST_DATA = 64 * 1024

_REFUSED_FIRST = Case(
    When(state=CheckState.REFUSED, then=Value(0)),
    When(state=CheckState.UNKNOWN, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class ShownReason:
    """A reason; `known` is its code in the catalogue, with `n_rejected`, up to one more than CAP."""

    row: Reason
    known: ReasonCode | None
    corrections: Sequence[Correction]


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A check with its reasons and raw data. `tree` is None when no data was sent, or too much to draw."""

    row: Check
    reasons: Sequence[ShownReason]
    corrections: Sequence[Correction]
    data: str
    data_length: int
    tree: Tree | None


@dataclass(frozen=True, slots=True)
class CheckSet:
    """What one delivery said of a session's checks, refused ones first. `is_whole` is False where a page shows a part."""

    fact: Fact
    name: str
    checks: Sequence[ShownCheck]
    is_whole: bool

    @property
    def rows(self) -> list[Check]:
        return [check.row for check in self.checks]

    def count(self, state: CheckState) -> int:
        return sum(check.row.state == state for check in self.checks)

    @property
    def n_refused(self) -> int:
        return self.count(CheckState.REFUSED)

    @property
    def n_validated(self) -> int:
        return self.count(CheckState.VALIDATED)

    @property
    def n_unknown(self) -> int:
        return self.count(CheckState.UNKNOWN)


type Place = tuple[int | None, int | None, int | None]


def check_sets(
    facts: Sequence[Fact], corrections: Iterable[Correction], pencil: Pencil, *, is_all: bool = False
) -> tuple[list[CheckSet], int]:
    """Return the sets that a page shows, newest first, and how many older ones it leaves out. Three queries.

    `facts` are the session's events, newest first. With `is_all` nothing is left out.
    """
    bringing = [fact for fact in facts if fact.n_checks]
    chosen = bringing if is_all else list(_first_sets(bringing))
    deliveries = [fact.delivery for fact in chosen]
    checks = _checks(deliveries, None if is_all else MOST_CHECKS)
    reasons = _reasons(deliveries, None if is_all else MOST_REASONS)
    catalogue = _catalogue({reason.code for rows in reasons.values() for reason in rows})
    corrected = _by_place(corrections)
    sets = []
    for fact in chosen:
        shown = [
            _shown(check, reasons[check.pk], catalogue, corrected, pencil) for check in checks[fact.delivery]
        ]
        n_reasons = sum(len(check.reasons) for check in shown)
        is_whole = len(shown) == fact.n_checks and n_reasons == fact.n_reasons
        sets.append(CheckSet(fact, _event_name(shown), shown, is_whole))
    return sets, len(bringing) - len(chosen)


def _first_sets(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the newest set, and older ones as long as all of them fit."""
    n_checks = n_reasons = 0
    for number, fact in enumerate(facts):
        n_checks, n_reasons = n_checks + fact.n_checks, n_reasons + fact.n_reasons
        if number and (n_checks > MOST_CHECKS or n_reasons > MOST_REASONS):
            return
        yield fact


def _checks(deliveries: Sequence[int], most: int | None) -> dict[int, list[Check]]:
    """Return the checks by delivery, refused ones first, in one query."""
    found: dict[int, list[Check]] = defaultdict(list)
    rows = (
        Check.objects.filter(delivery_id__in=deliveries)
        .annotate(
            event_name=F("delivery__event_name"),
            data_length=Length("data"),
            short_data=Case(
                When(data_length__lte=LONGEST_DATA, then=F("data")),
                default=Value(""),
                output_field=TextField(),
            ),
        )
        .defer("data")
        .order_by(_REFUSED_FIRST, "position")
    )
    for check in rows[:most]:
        found[check.delivery_id].append(check)
    return found


def _event_name(checks: Sequence[ShownCheck]) -> str:
    annotated: Any = checks[0].row if checks else None
    return annotated.event_name if annotated else ""


def _reasons(deliveries: Sequence[int], most: int | None) -> dict[int, list[Reason]]:
    """Return the reasons by check, in one query."""
    found: dict[int, list[Reason]] = defaultdict(list)
    rows = Reason.objects.filter(kyc_check__delivery_id__in=deliveries)
    for reason in rows.order_by("kyc_check_id", "position")[:most]:
        found[reason.kyc_check_id].append(reason)
    return found


def _catalogue(codes: Iterable[str]) -> dict[str, ReasonCode]:
    """Return what is known of codes, and how many sessions were rejected with each, in one query."""
    rejections = RejectionReason.objects.filter(code_digest=OuterRef("digest"), is_first_of_code=True)
    known = ReasonCode.objects.filter(digest__in=sorted(text_digest(code) for code in codes if code))
    counted = known.annotate(n_rejected=CappedCount(rejections))
    return {code.code: code for code in counted}


def _by_place(corrections: Iterable[Correction]) -> dict[Place, list[Correction]]:
    places: dict[Place, list[Correction]] = defaultdict(list)
    for row in corrections:
        if row.target != CorrectionTarget.SESSION:
            places[row.delivery_id, row.check_position, row.reason_position].append(row)
    return places


def _shown(
    check: Check,
    reasons: Iterable[Reason],
    catalogue: dict[str, ReasonCode],
    corrected: dict[Place, list[Correction]],
    pencil: Pencil,
) -> ShownCheck:
    annotated: Any = check
    text = annotated.short_data
    return ShownCheck(
        check,
        [
            ShownReason(
                reason,
                catalogue.get(reason.code),
                corrected.get((check.delivery_id, check.position, reason.position), ()),
            )
            for reason in reasons
        ],
        corrected.get((check.delivery_id, check.position, None), ()),
        text,
        annotated.data_length,
        pencil.draw(text) if text else None,
    )
