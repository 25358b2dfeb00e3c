"""What people do about a subject's data: hold it, have it erased by two people, hand it out.

Every act is recorded on the system's chain, which holds ids, kinds and digests of the words. An erasure overwrites one
session per transaction; what stops it half-way leaves the request open, and confirming it again goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, chain
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from kyc import erasing, folding, holds, ledger
from kyc.choices import EntityType, ErasureStatus, SessionState
from kyc.exceptions import ActForbidden, ActRefused
from kyc.languages import day_words
from kyc.models import Delivery, Erasure, LegalHold, RefusedRequest, User
from kyc.querysets import insert_once
from kyc.review import acts, digest, writing
from kyc.subjects import AT_ONCE, Subject, last_heard_at, mentions, refused, strays

LEAST_WORDS = 10
# So often an erasure begins anew because something came meanwhile.
MOST_ROUNDS = 3
HOLD, LIFT = "kyc.add_legalhold", "kyc.change_legalhold"
REQUEST, CONFIRM = "kyc.add_erasure", "kyc.confirm_erasure"
EXPORT = "kyc.export_subject"
MAKER_MAY_NOT = gettext_lazy(
    "Who asked for this erasure may not ask for erasures any more. Refuse it; then somebody else can ask for it anew."
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a subject's data may not be erased now. `hold` stands over them; `session` is in REVIEW; or `until` is to come.

    `subject` is who it is about: another one, where a session or a record names two. `is_anothers_hold`: a hold stands
    over somebody else who is named in the bytes of what names them.
    """

    subject: Subject
    hold: LegalHold | None = None
    is_anothers_hold: bool = False
    session: UUID | None = None
    until: datetime | None = None


def obstacle(subject: Subject) -> Obstacle | None:
    """Return what stands in the way of erasing a subject's data, None where nothing does."""
    now, others = timezone.now(), subject.others()
    if hold := _hold_over([subject, *others]):
        return Obstacle(subject_of(hold), hold=hold)
    in_review = subject.sessions().filter(state=SessionState.REVIEW).values_list("pk", flat=True)
    if pk := in_review.first():
        return Obstacle(subject, session=pk)
    if (until := kept_until(subject)) and until > now:
        return Obstacle(subject, until=until)
    heard_at = last_heard_at(others)
    if heard_at is not None and (until := heard_at + settings.KYC_LEGAL_MINIMUM) > now:
        return Obstacle(others[0], until=until)
    return None


def obstacle_in_bytes(subject: Subject) -> Obstacle | None:
    """Return what stands in the way in deliveries that no column says are the subject's. Reads those bodies.

    They may be about somebody else, too, over whom a hold stands, or so new that the law has them kept.
    """
    now, own = timezone.now(), subject.ids()
    others = holds.Standing().ids() - own
    rows: Iterator[Delivery | RefusedRequest] = chain(strays(subject), refused(subject))
    for row in rows:
        if row.erased_at is not None:
            continue
        if others and mentions(bytes(row.body), others):
            return Obstacle(subject, is_anothers_hold=True)
        # What was refused is nobody's word: anybody could have the subject's data kept by it.
        until = row.received_at + settings.KYC_LEGAL_MINIMUM
        if isinstance(row, Delivery) and until > now:
            return Obstacle(subject, until=until)
    return None


def kept_until(subject: Subject) -> datetime | None:
    """Return until when the law has a subject's data kept, None where nothing is known of them."""
    heard_at = subject.last_heard_at()
    return heard_at + settings.KYC_LEGAL_MINIMUM if heard_at else None


def place_hold(subject: Subject, *, by: User, reason: str) -> LegalHold:
    """Place a legal hold: from its commit on nothing of the subject is purged or erased."""
    acts.guard_may(by, HOLD, gettext("Your role cannot place legal holds. A supervisor or an admin can."))
    _guard_words(reason)
    with transaction.atomic():
        holds.wait_to_place()
        _lock(subject)
        hold = LegalHold(**subject.key, reason=reason.strip(), placed_by=by)
        if not insert_once(hold):
            raise ActRefused(gettext("A legal hold stands over this subject already."))
        _record("hold.placed", subject, by, hold=hold.pk, why=digest(hold.reason))
    return hold


def lift_hold(hold_id: int, *, by: User, reason: str) -> LegalHold:
    acts.guard_may(by, LIFT, gettext("Your role cannot lift legal holds. A supervisor or an admin can."))
    _guard_words(reason)
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().filter(pk=hold_id).first()
        if hold is None or hold.lifted_at is not None:
            raise ActRefused(gettext("This legal hold does not stand any more."))
        hold.lifted_by, hold.lifted_at, hold.lifted_because = by, timezone.now(), reason.strip()
        hold.save(update_fields=["lifted_by", "lifted_at", "lifted_because"])
        _record("hold.lifted", subject_of(hold), by, hold=hold.pk, why=digest(hold.lifted_because))
    return hold


def request_erasure(subject: Subject, *, by: User, reason: str) -> Erasure:
    """Ask that a subject's data be erased. Another person has to confirm it."""
    acts.guard_may(by, REQUEST, gettext("Your role cannot ask for erasures. A supervisor or an admin can."))
    _guard_words(reason)
    with transaction.atomic():
        _lock(subject)
        if not (subject.is_known() or subject.is_mentioned()):
            raise ActRefused(gettext("Nothing is kept about this subject."))
        _guard_nothing_stands(subject)
        _guard_nothing_stands_in_bytes(subject)
        erasure = Erasure(**subject.key, reason=reason.strip(), maker=by)
        if not insert_once(erasure):
            raise ActRefused(gettext("Its erasure was asked for already. It waits for another person."))
        _record("erasure.requested", subject, by, erasure=erasure.pk, why=digest(erasure.reason))
    return erasure


def refuse_erasure(erasure_id: int, *, by: User, answer: str) -> Erasure:
    """Refuse what another person asked for, with words for them."""
    with transaction.atomic():
        erasure = _lock_to_answer(erasure_id, by)
        _guard_words(answer, "answer")
        erasure.answer = answer.strip()
        _answer(erasure, ErasureStatus.REFUSED, by)
        _record("erasure.refused", subject_of(erasure), by, erasure=erasure.pk, why=digest(erasure.answer))
    return erasure


def confirm_erasure(erasure_id: int, *, by: User) -> Erasure:
    """Erase what another person asked for: each session in a transaction of its own, then all the rest."""
    with transaction.atomic():
        erasure = _lock_to_confirm(erasure_id, by)
        subject = subject_of(erasure)
        _guard_nothing_stands(subject)
        _guard_nothing_stands_in_bytes(subject)
    for _ in range(MOST_ROUNDS):
        for pk in list(subject.sessions().values_list("pk", flat=True)):
            _erase_session(pk, erasure_id, by)
        if done := _erase_the_rest(subject, erasure_id, by):
            return done
    raise ActRefused(gettext("Something more came about this subject meanwhile. Confirm it again to go on."))


def record_export(subject: Subject, *, by: User, reason: str) -> None:
    """Record that everything about a subject is handed out, before it is."""
    acts.guard_may(
        by, EXPORT, gettext("Your role cannot export a subject’s data. A supervisor or an admin can.")
    )
    _guard_words(reason)
    with transaction.atomic():
        ledger.append(
            ledger.person_chain(by),
            "subject.exported",
            actor=by,
            entity_type=str(subject.entity_type),
            subject=str(subject.id),
            why=digest(reason.strip()),
        )


def maker_may(erasure: Erasure) -> bool:
    """Return True while the one who asked for an erasure still may ask for one: else it is one person who erases."""
    return acts.people_with(REQUEST).filter(pk=erasure.maker_id).exists()


def subject_of(row: LegalHold | Erasure) -> Subject:
    return Subject(EntityType(row.entity_type), row.subject_id)


def _hold_over(subjects: Sequence[Subject]) -> LegalHold | None:
    """Return a hold that stands over one of these, the first of whom there is one."""
    for some in batched(subjects, AT_ONCE, strict=False):
        ids = [subject.id for subject in some]
        standing = LegalHold.objects.filter(lifted_at=None, subject_id__in=ids)
        found = {subject_of(hold): hold for hold in standing}
        for subject in some:
            if hold := found.get(subject):
                return hold
    return None


def _lock(subject: Subject) -> None:
    """Lock what is kept of a subject, so that no hold is placed while it is overwritten.

    Deliveries before sessions, as whoever takes one in again locks them; then requests.
    """
    list(subject.records().select_for_update().values_list("pk", flat=True))
    list(subject.sessions().select_for_update().values_list("pk", flat=True))
    list(
        Erasure.objects.select_for_update().filter(**subject.key).order_by("pk").values_list("pk", flat=True)
    )


def _lock_to_answer(erasure_id: int, by: User) -> Erasure:
    """Return a request, locked, if this person may answer it and nobody has."""
    acts.guard_may(
        by, CONFIRM, gettext("Your role cannot answer requests for erasure. A supervisor or an admin can.")
    )
    erasure = Erasure.objects.select_for_update().filter(pk=erasure_id).first()
    if erasure is None:
        raise ActRefused(gettext("This request does not exist."))
    if erasure.maker_id == by.pk:
        raise ActForbidden(gettext("You asked for this erasure. Another person has to answer."))
    if erasure.status != ErasureStatus.REQUESTED:
        raise ActRefused(gettext("This request was answered already."))
    return erasure


def _lock_to_confirm(erasure_id: int, by: User) -> Erasure:
    """Return a request, locked, if this person may confirm it, and who asked for it may do so to this day."""
    erasure = _lock_to_answer(erasure_id, by)
    if not maker_may(erasure):
        raise ActRefused(str(MAKER_MAY_NOT))
    return erasure


def _erase_session(pk: UUID, erasure_id: int, by: User) -> None:
    with transaction.atomic():
        session = folding.lock(pk)
        erasure = _lock_to_confirm(erasure_id, by)
        subject = subject_of(erasure)
        _guard_nothing_stands(subject)
        done = erasing.overwrite(session, erasing.OF_SESSIONS, at=timezone.now(), subject=subject)
        if not done:
            return
        _count(erasure, done)
        acts.record(session, "session.erased", by=by, erasure=erasure.pk, **dict(sorted(done.items())))


def _erase_the_rest(subject: Subject, erasure_id: int, by: User) -> Erasure | None:
    """Erase what is no session's and end the request; return None, and nothing is done, where a session has more to erase.

    A delivery may have come, or one that had failed may have been taken again, since its session was erased.
    """
    with transaction.atomic():
        holds.wait_to_overwrite()
        rest = erasing.lock_rest(subject)
        _lock(subject)
        erasure = _lock_to_confirm(erasure_id, by)
        _guard_nothing_stands(subject)
        _guard_nothing_stands_in_bytes(subject)
        done = erasing.overwrite_rest(subject, rest, at=timezone.now())
        if done is None or subject.sessions().filter(erasing.has_remaining(erasing.OF_SESSIONS)).exists():
            transaction.set_rollback(True)
            return None
        _count(erasure, done)
        _answer(erasure, ErasureStatus.DONE, by)
        _record("erasure.done", subject, by, erasure=erasure.pk, **dict(sorted(erasure.erased.items())))
    return erasure


def _count(erasure: Erasure, done: Counter[str]) -> None:
    erasure.erased = dict(sorted((Counter(erasure.erased) + done).items()))
    erasure.save(update_fields=["erased"])


def _answer(erasure: Erasure, status: ErasureStatus, by: User) -> None:
    erasure.status, erasure.checker, erasure.checked_at = status, by, timezone.now()
    erasure.save(update_fields=["status", "checker", "checked_at", "answer"])


def _record(action: str, subject: Subject, by: User, **detail: ledger.Detail) -> None:
    who = {"entity_type": str(subject.entity_type), "subject": str(subject.id)}
    ledger.append(ledger.SYSTEM, action, actor=by, **who, **detail)


def _guard_words(text: str, field: str = "reason") -> None:
    writing.guard_faults(**{field: writing.fault_of_words(text, least=LEAST_WORDS)})


def _guard_nothing_stands(subject: Subject) -> None:
    if found := obstacle(subject):
        raise ActRefused(words_of(found, subject))


def _guard_nothing_stands_in_bytes(subject: Subject) -> None:
    if found := obstacle_in_bytes(subject):
        raise ActRefused(words_of(found, subject))


def words_of(found: Obstacle, subject: Subject) -> str:
    """Say what stands in the way, and until when."""
    is_other = found.subject != subject
    if found.is_anothers_hold:
        return gettext("A legal hold stands over another subject, who is named where this one is.")
    if found.hold is not None:
        if is_other:
            return gettext("A legal hold stands over another subject, who is named where this one is.")
        return gettext("A legal hold stands over this subject: nothing is erased until it is lifted.")
    if found.session is not None:
        return gettext("A session of this subject is in REVIEW. Decide it first.")
    assert found.until is not None, "There is no other obstacle."  # noqa: S101
    when = {"date": date_of(found.until)}
    if is_other:
        return gettext("The law has another subject’s data, in the same session, kept until %(date)s.") % when
    return gettext("The law has this subject’s data kept until %(date)s. Nothing is erased before.") % when


def date_of(at: datetime) -> str:
    """Return a day with its zone."""
    return f"{day_words(timezone.localdate(at))} {settings.TIME_ZONE}"


def history(subject: Subject) -> dict[str, Any]:
    """Return the holds and requests that there were, newest first."""
    holds = LegalHold.objects.filter(**subject.key).select_related("placed_by", "lifted_by")
    erasures = Erasure.objects.filter(**subject.key).select_related("maker", "checker")
    return {"holds": holds.order_by("-pk"), "erasures": erasures.order_by("-pk")}
