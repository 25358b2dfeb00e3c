"""Settle a dispute: Ralio's verdict differs from this desk's, and a supervisor says which of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from kyc import folding
from kyc.choices import FINAL_OUTCOMES, DecisionStatus, FourEyes, Outcome, SessionState
from kyc.exceptions import ActForbidden, SessionChanged
from kyc.models import Decision, Session, User
from kyc.projection import Fact
from kyc.review import acts, claims, writing


def settle(
    session_id: UUID,
    *,
    by: User,
    seen: acts.Seen,
    outcome: Outcome,
    rationale: str,
    codes: Sequence[str] = (),
) -> Decision:
    """Uphold what this desk decided, or follow Ralio: whichever of the two `outcome` is.

    A settlement that rejects has the codes of the rejection that it goes by. `codes` count only where that brought
    none. Two people have looked by then, so it needs no checker; but whoever decided does not settle.
    """
    with transaction.atomic():
        acts.guard_may(
            by, acts.SUPERVISE, gettext("Only supervisors settle what Ralio and this desk disagree about.")
        )
        acting = writing.lock_to_act(session_id, by, seen)
        session = acting.session
        disputed = _guard_disputed(session)
        _guard_another(disputed, by)
        found = codes_of(session, disputed, outcome)
        chosen = found if found or outcome != Outcome.REJECT else writing.each_once(codes)
        writing.guard_faults(
            outcome="" if outcome in FINAL_OUTCOMES else gettext("Uphold the decision, or follow Ralio."),
            codes=writing.fault_of_codes(session, chosen) if outcome == Outcome.REJECT and not found else "",
            rationale=writing.fault_of_words(rationale, writing.LEAST_RATIONALE),
        )
        claims.take(session, by, acting.now)
        decision = writing.decided(acting, outcome, rationale=rationale, codes=chosen, settles=disputed)
        writing.precede(decision)
        change = writing.refold(session)
        is_upheld = outcome == disputed.outcome
        writing.record(decision, "session.settled", by=by, settles=disputed.pk, is_upheld=is_upheld)
        writing.tell(change, by=by)
    return decision


def disputed_decision(session: Session) -> Decision | None:
    """Return the decision that Ralio's verdict disputes, if one is."""
    if not session.is_disputed:
        return None
    # Only one decision at a time is on its way, so that they hold in the order in which they were made.
    confirmed = session.decisions.filter(status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES)
    return confirmed.select_related("maker", "checker").order_by("pk").last()


def codes_of(session: Session, disputed: Decision, outcome: Outcome) -> list[str]:
    """Return the codes that a settlement with this outcome has of itself.

    Those of the desk's own rejection when it is upheld, those of Ralio's when it is followed; where Ralio's brought
    none, the last known ones of the session.
    """
    if outcome != Outcome.REJECT:
        return []
    if disputed.outcome == Outcome.REJECT:
        return list(disputed.codes)
    return _ralios_codes(session, disputed)


def _ralios_codes(session: Session, disputed: Decision) -> list[str]:
    for delivery in followed(folding.facts(session), disputed):
        if codes := writing.evidence_codes(delivery):
            return codes
    return []


def followed(facts: Iterable[Fact], disputed: Decision) -> list[int]:
    """Return the deliveries that a settlement may have its codes of when Ralio is followed: the first with any gives them."""
    newest_first = sorted(facts, key=lambda fact: fact.order, reverse=True)
    with_reasons = [fact for fact in newest_first if fact.n_reasons]
    basis = next(fact for fact in newest_first if fact.delivery == disputed.basis_id)
    rejecting = (
        fact for fact in with_reasons if fact.state == SessionState.REJECTED and fact.order > basis.order
    )
    return list(dict.fromkeys(fact.delivery for fact in (*rejecting, *with_reasons)))


def _guard_disputed(session: Session) -> Decision:
    disputed = disputed_decision(session)
    if disputed is None:
        raise SessionChanged(
            gettext("Ralio and this desk do not disagree about this session. There is nothing to settle.")
        )
    return disputed


def _guard_another(disputed: Decision, by: User) -> None:
    if settings.KYC_FOUR_EYES != FourEyes.NONE and by in (disputed.maker, disputed.checker):
        raise ActForbidden(gettext("Someone else has to settle this. You took part in the decision."))
