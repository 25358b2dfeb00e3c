"""What the acts of deciding have in common: the words and codes they take, the rows they leave, what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from kyc import folding, ledger
from kyc.choices import DecisionStatus, Outcome
from kyc.exceptions import ActRefused
from kyc.models import Decision, Precedent, Reason, ReasonCode, Session, User
from kyc.models.digests import text_digest
from kyc.review import acts, claims
from kyc.review.corrections import LONGEST_IN_LEDGER, digest
from kyc.signals import session_changed, session_referred

# Why a session was rejected, or approved over what was not validated.
LEAST_RATIONALE = 20
# Why it waits, goes to supervisors or comes back.
LEAST_WORDS = 3
MOST_WORDS = 5000


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts on which locked session, what they had before them, and when that is."""

    session: Session
    by: User
    seen: acts.Seen
    now: datetime


# --- Before --------------------------------------------------------------------------------------
def lock_to_act(session_id: UUID, by: User, seen: acts.Seen) -> Acting:
    """Lock the session, if this person may act on it and saw it as it is."""
    session, now = acts.lock(session_id), timezone.now()
    acts.guard_may_decide(session, by)
    acts.guard_in_review(session)
    acts.guard_seen(session, seen)
    acts.guard_not_held_by_another(session, by, now)
    _guard_no_proposal(session, by)
    return Acting(session, by, seen, now)


def lock_decision(decision_id: int) -> tuple[Session, Decision]:
    """Return a decision and its session, locked until the transaction ends."""
    session_id = Decision.objects.filter(pk=decision_id).values_list("session", flat=True).first()
    if session_id is None:
        raise ActRefused(gettext("This decision does not exist."))
    session = acts.lock(session_id)
    # Read after the lock: only who holds it changes a decision.
    decision = Decision.objects.select_related("maker", "checker").get(pk=decision_id)
    decision.session = session
    return session, decision


def _guard_no_proposal(session: Session, by: User) -> None:
    """Refuse whatever would pass over a proposal that waits for its second person."""
    if session.proposed_by is None:
        return
    if session.proposed_by == by:
        raise ActRefused(
            gettext("Your proposal waits for another person. Take it back to do something else.")
        )
    words = gettext("%(name)s proposed a decision. It has to be confirmed or returned first.")
    raise ActRefused(words % {"name": session.proposed_by.username})


def guard_faults(**faults: str) -> None:
    """Refuse what was typed, naming every field at fault at once."""
    found = {name: words for name, words in faults.items() if words}
    if found:
        raise ActRefused(found)


def fault_of_words(text: str, least: int, most: int = MOST_WORDS) -> str:
    """Return what is wrong with a person's words, or nothing."""
    length = len(text.strip())
    if not is_storable(text):
        return gettext("These words hold a character that cannot be kept. Type them again.")
    if length < least:
        words = gettext("Say why, in at least %(n)d characters.")
        return words % {"n": least} if least > 1 else gettext("Say something.")
    if length <= most:
        return ""
    return gettext("Say it in at most %(most)d characters. These are %(n)d.") % {"most": most, "n": length}


def is_storable(text: str) -> bool:
    """Return False for NUL and lone surrogates, which not every engine stores."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


# --- Codes ---------------------------------------------------------------------------------------
def each_once(codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(code for code in codes if code))


def fault_of_codes(session: Session, codes: Sequence[str]) -> str:
    """Return what is wrong with the codes of a rejection, or nothing. Each is the session's own or in the catalogue."""
    if not codes:
        return gettext("Choose at least one reason code.")
    known = _known_codes(session, codes)
    unknown = [code.encode(errors="replace").decode() for code in codes if code not in known]
    return gettext("Not known here: %(codes)s.") % {"codes": ", ".join(unknown)} if unknown else ""


def _known_codes(session: Session, codes: Sequence[str]) -> set[str]:
    """Return those of the codes that came with the session or are in the catalogue."""
    codes = [code for code in codes if is_storable(code)]
    listed = ReasonCode.objects.filter(digest__in=[text_digest(code) for code in codes])
    own = Reason.objects.filter(kyc_check__session=session, code__in=codes)
    return {*listed.values_list("code", flat=True), *own.values_list("code", flat=True)}


def evidence_codes(delivery_id: int | None) -> list[str]:
    """Return the codes of a delivery's checks, as they stand after corrections, in their order."""
    return each_once(codes_in(delivery_id))


def with_codes(deliveries: Iterable[int]) -> QuerySet[Reason, int]:
    """Return those of the deliveries that brought a code."""
    reasons = Reason.objects.filter(kyc_check__delivery__in=deliveries).exclude(code="")
    return reasons.order_by().values_list("kyc_check__delivery_id", flat=True).distinct()


def codes_in(delivery_id: int | None) -> QuerySet[Reason, str]:
    """Return the query that `evidence_codes` reads: a code may be empty, and come more than once."""
    reasons = Reason.objects.filter(kyc_check__delivery=delivery_id)
    return reasons.order_by("kyc_check__position", "position").values_list("code", flat=True)


# --- After ---------------------------------------------------------------------------------------
def decided(
    acting: Acting, outcome: Outcome, *, rationale: str, codes: Sequence[str] = (), **columns: Any
) -> Decision:
    """Write what the person decided; it holds at once unless the columns say otherwise."""
    columns = {"status": DecisionStatus.CONFIRMED, "confirmed_at": acting.now, **columns}
    return Decision.objects.create(
        session=acting.session,
        outcome=outcome,
        codes=list(codes),
        rationale=rationale.strip(),
        maker=acting.by,
        version=acting.seen.version,
        basis_id=acting.seen.basis,
        n_refused=acting.session.n_refused,
        round=acting.session.round,
        proposed_at=acting.now,
        **columns,
    )


def precede(decision: Decision) -> None:
    """Keep how sessions with these codes were decided, now that this one is."""
    codes = each_once([*evidence_codes(decision.session.evidence_id), *decision.codes])
    assert decision.confirmed_at is not None, "It is confirmed."  # noqa: S101
    Precedent.objects.bulk_create(
        Precedent(
            decision=decision,
            digest=text_digest(code),
            outcome=decision.outcome,
            decided_at=decision.confirmed_at,
        )
        for code in codes
    )


def refold(session: Session) -> folding.Change:
    """Fold the session anew. Its version grows, also when its row stays what it was: somebody acted on it."""
    version = session.version
    change = folding.refold(session)
    if session.version == version:
        session.version += 1
        session.save(update_fields=["version"])
    return change


def give_back(session: Session, to: User, now: datetime, *, instead_of: User | None = None) -> None:
    """Let the person go on with a session that nobody holds, or `instead_of`, if it is one for them."""
    is_free = acts.holder(session, now) in (None, instead_of)
    if is_free and acts.people_to_decide(session).filter(pk=to.pk).exists():
        claims.give(session, to, now)


def record(decision: Decision, action: str, *, by: User, **detail: ledger.Detail) -> None:
    acts.record(
        decision.session,
        action,
        by=by,
        decision=decision.pk,
        outcome=str(decision.outcome),
        codes=[code if len(code) <= LONGEST_IN_LEDGER else digest(code) for code in decision.codes],
        rationale=digest(decision.rationale),
        **detail,
    )


def refer(decision: Decision) -> None:
    """Say that the session waits for others now: it was escalated, or a second review of it was asked for."""
    session_referred.send(
        Session,
        session=decision.session,
        kind="escalated" if decision.outcome == Outcome.ESCALATE else "second_review",
        occasion=f"decision {decision.pk}",
        by=decision.maker,
        to=decision.addressee,
    )


def tell(change: folding.Change, *, by: User) -> None:
    """Send the signal. After the ledger, as ingestion does: who sends a notification locks the chain's head first."""
    if change.is_new_state:
        session_changed.send(
            Session, session=change.session, old_state=change.old_state, delivery=None, by=by
        )
