"""A session's checks as its page shows them: in sets, one per delivery that brought any, the newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, TextField, Value, When
from django.db.models.functions import MD5, Length

from kyc.choices import CheckState, CorrectionTarget
from kyc.desk.differences import Difference, Snapshot, differences, without_values
from kyc.desk.jsontree import Pencil, Tree
from kyc.desk.masking import masked_text
from kyc.desk.precedents import Precedents, precedents, with_precedents
from kyc.desk.together import Answer, Together
from kyc.models import Check, Correction, Reason, ReasonCode, RejectionReason, Session
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
    """A reason; `known` is its code in the catalogue, with `n_rejected`, up to one more than CAP.

    `precedents` say how people decided other sessions with the code; None where nobody did.
    """

    row: Reason
    known: ReasonCode | None
    precedents: Precedents | None
    corrections: Sequence[Correction]


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A check with its reasons and raw data. `tree` is None when no data was sent, or too much to draw.

    `data` is the text as its reader may see it, `sent` as it came: to compare, and for no page.
    """

    row: Check
    reasons: Sequence[ShownReason]
    corrections: Sequence[Correction]
    data: str
    data_length: int
    tree: Tree | None
    sent: str = field(repr=False)


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

    @property
    def codes(self) -> list[str]:
        """Return the codes of the set's reasons, each once."""
        codes = (reason.row.code for check in self.checks for reason in check.reasons)
        return list(dict.fromkeys(code for code in codes if code))

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


@dataclass(frozen=True, slots=True)
class Since:
    """What the newest set says otherwise than the REVIEW event that opened the present round.

    `changes` is None where one of the two sets is not whole on the page, and cannot be compared.
    """

    opening: CheckSet
    newest: CheckSet
    changes: Sequence[Difference] | None


type Place = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The events whose checks a page shows, newest first, with what they brought. `n_left_out` older sets are not shown."""

    chosen: Sequence[Fact]
    n_left_out: int
    checks: Answer[Check]
    reasons: Answer[Reason]

    @property
    def codes(self) -> set[str]:
        """Return the codes of the reasons that are shown."""
        shown = {check.pk for check in self.checks.rows}
        return {row.code for row in self.reasons.rows if row.code and row.kyc_check_id in shown}


def evidence(facts: Iterable[Fact], asked: Together, *, is_all: bool = False) -> Evidence:
    """Have two queries asked for the sets that a page shows. `facts` are the session's events, newest first.

    With `is_all` nothing is left out.
    """
    bringing = [fact for fact in facts if fact.n_checks]
    chosen = bringing if is_all else list(_first_sets(bringing))
    if not chosen:
        return Evidence((), 0, Answer([]), Answer([]))
    deliveries = [fact.delivery for fact in chosen]
    return Evidence(
        chosen,
        len(bringing) - len(chosen),
        asked.add(_checks(deliveries)[: None if is_all else MOST_CHECKS]),
        asked.add(_reasons(deliveries)[: None if is_all else MOST_REASONS]),
    )


def check_sets(
    found: Evidence, known: Iterable[ReasonCode], corrections: Iterable[Correction], pencil: Pencil
) -> list[CheckSet]:
    """Return the sets that a page shows, newest first; `known` are the rows of `catalogue`."""
    checks: dict[int, list[Check]] = defaultdict(list)
    for check in found.checks.rows:
        checks[check.delivery_id].append(check)
    reasons: dict[int, list[Reason]] = defaultdict(list)
    for reason in found.reasons.rows:
        reasons[reason.kyc_check_id].append(reason)
    of_code = {code.code: (code, precedents(code)) for code in known}
    corrected = _by_place(corrections)
    sets = []
    for fact in found.chosen:
        shown = [
            _shown(check, reasons[check.pk], of_code, corrected, pencil) for check in checks[fact.delivery]
        ]
        n_reasons = sum(len(check.reasons) for check in shown)
        is_whole = len(shown) == fact.n_checks and n_reasons == fact.n_reasons
        sets.append(CheckSet(fact, _event_name(shown), shown, is_whole))
    return sets


def since_review(sets: Sequence[CheckSet], opened_by: int | None, *, is_masked: bool = False) -> Since | None:
    """Return what differs between the set of the event that opened the round and the newest one, where that is later.

    With `is_masked` it counts the members of the data that differ, and says nothing of them.
    """
    opening = next((found for found in sets if found.fact.delivery == opened_by), None)
    if opening is None or opening is sets[0]:
        return None
    newest = sets[0]
    if not (opening.is_whole and newest.is_whole):
        return Since(opening, newest, None)
    changes = differences(_snapshots(opening), _snapshots(newest))
    return Since(opening, newest, [without_values(change) for change in changes] if is_masked else changes)


def _snapshots(shown: CheckSet) -> Iterator[Snapshot]:
    for check in shown.checks:
        annotated: Any = check.row
        reasons = (reason.row.code or reason.row.message for reason in check.reasons)
        state = CheckState(check.row.state)
        yield Snapshot(
            check.row.position, check.row.type, state, tuple(reasons), check.sent, annotated.long_data_digest
        )


def _first_sets(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the newest set, and older ones as long as all of them fit."""
    n_checks = n_reasons = 0
    for number, fact in enumerate(facts):
        n_checks, n_reasons = n_checks + fact.n_checks, n_reasons + fact.n_reasons
        if number and (n_checks > MOST_CHECKS or n_reasons > MOST_REASONS):
            return
        yield fact


def _checks(deliveries: Sequence[int]) -> QuerySet[Check]:
    """Return the checks of deliveries, refused ones first."""
    return (
        Check.objects.filter(delivery_id__in=deliveries)
        .annotate(
            event_name=F("delivery__event_name"),
            erased_at=F("delivery__checks_erased_at"),
            data_length=Length("data"),
            short_data=Case(
                When(data_length__lte=LONGEST_DATA, then=F("data")),
                default=Value(""),
                output_field=TextField(),
            ),
            long_data_digest=Case(
                When(data_length__gt=LONGEST_DATA, then=MD5("data")),
                default=Value(""),
                output_field=TextField(),
            ),
        )
        .defer("data")
        .order_by(_REFUSED_FIRST, "position")
    )


def _event_name(checks: Sequence[ShownCheck]) -> str:
    annotated: Any = checks[0].row if checks else None
    return annotated.event_name if annotated else ""


def _reasons(deliveries: Sequence[int]) -> QuerySet[Reason]:
    """Return the reasons of the deliveries' checks."""
    found = Reason.objects.filter(kyc_check__delivery_id__in=deliveries)
    return found.order_by("kyc_check_id", "position")


type Catalogue = dict[str, tuple[ReasonCode, Precedents | None]]


def catalogue(codes: Iterable[str], session: Session) -> QuerySet[ReasonCode]:
    """Return what is known of codes: how many sessions were rejected with each, and by whom."""
    rejections = RejectionReason.objects.filter(code_digest=OuterRef("digest"), is_first_of_code=True)
    known = ReasonCode.objects.filter(digest__in=sorted(text_digest(code) for code in codes if code))
    return with_precedents(known.annotate(n_rejected=CappedCount(rejections, along="rejected_at")), session)


def _by_place(corrections: Iterable[Correction]) -> dict[Place, list[Correction]]:
    places: dict[Place, list[Correction]] = defaultdict(list)
    for row in corrections:
        if row.target != CorrectionTarget.SESSION:
            places[row.delivery_id, row.check_position, row.reason_position].append(row)
    return places


def _shown(
    check: Check,
    reasons: Iterable[Reason],
    catalogue: Catalogue,
    corrected: dict[Place, list[Correction]],
    pencil: Pencil,
) -> ShownCheck:
    annotated: Any = check
    text = annotated.short_data
    return ShownCheck(
        check,
        [_shown_reason(reason, check, catalogue, corrected) for reason in reasons],
        corrected.get((check.delivery_id, check.position, None), ()),
        masked_text(text) if text and pencil.is_masked else text,
        annotated.data_length,
        pencil.draw(text) if text else None,
        text,
    )


def _shown_reason(
    reason: Reason, check: Check, catalogue: Catalogue, corrected: dict[Place, list[Correction]]
) -> ShownReason:
    known, decided = catalogue.get(reason.code, (None, None))
    place = (check.delivery_id, check.position, reason.position)
    return ShownReason(reason, known, decided, corrected.get(place, ()))
