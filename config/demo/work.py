"""What the demo's people have done by the time somebody looks: some of everything that the desk knows, once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from uuid import UUID

from django.utils import timezone

from kyc import folding, review
from kyc.choices import DecisionStatus, FacetKind, Outcome
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Decision, QueueFacet, ReasonCode, Session, User
from kyc.querysets import CLAIMED, FOR_SUPERVISORS, PROPOSED, SNOOZED
from kyc.review import Seen

logger = logging.getLogger(__name__)

# How many sessions are simply approved or rejected, besides those that something special happens to.
N_PLAIN = 16
# Code -> what an officer says who rejects for it.
REJECTING = {
    "EXPIRED_DOCUMENT": "The document expired before the attempt, and no newer one was shown.",
    "KYC.DOC.DETERIORATED": "Stains cover the number and half of the name; nothing can be read for certain.",
    "KYC.DOC.INCOMPLETE": "Two corners of the document are outside the picture, with the expiry date.",
    "KYC.DOC.UNSUPPORTED": "This type of document is not on the list for the country that issued it.",
    "KYC.FACE.OBSCURED": "Glasses and shadow cover the face; asked twice for another picture, none came.",
    "KYC.ID.DATA_MISMATCH": "The date of birth differs from the document by ten years.",
    "LOW_CONFIDENCE": "The photographs differ in the shape of ears and chin, not only in age or light.",
}
REJECTING_OTHERWISE = "What was shown does not prove who this is; the subject can try again."
APPROVING = (
    "Same person on both photographs: the older one explains the low score.",
    "The stain does not touch name, number or photograph; all of it can be read.",
    "Spelling differs by an accent only, and the register has both.",
)

# Tells that Ralio says this kind of event of a session now, where the played Ralio knows the session.
type Answer = Callable[[UUID, str], None]


def work(names: tuple[str, str, str], answer: Answer) -> None:
    """Let two officers and a supervisor work at what waits, unless they or others have before.

    The first acts matter most: with few sessions in the queue the later ones find none to be done with.
    """
    if Decision.objects.exists():
        return
    people = User.objects.in_bulk(names, field_name="username")
    one, two, supervisor = (people[name] for name in names)
    shift = _Shift(one, two, supervisor, answer)
    for act in shift.acts():
        if not _done(act, shift.waiting):
            return


def _done(act: Callable[[UUID], object], waiting: Iterator[UUID]) -> bool:
    """Do an act with the first session that it can be done with; return False where there is none."""
    for session_id in waiting:
        try:
            act(session_id)
        except (ActForbidden, ActRefused):
            # The worker learns more of a session from Ralio's API at any time, a suspicion for one.
            logger.info("Session %s changed under the demo's hands.", session_id)
        else:
            return True
    return False


class _Shift:
    def __init__(self, one: User, two: User, supervisor: User, answer: Answer) -> None:
        self.one, self.two, self.supervisor, self.answer = one, two, supervisor, answer
        self.waiting = _waiting()
        self._reasons = cycle(APPROVING)

    def acts(self) -> Iterator[Callable[[UUID], object]]:
        """Yield what happens to one session after the other; each leaves the desk in another state."""
        yield lambda pk: self.reject(pk, by=self.one)
        yield lambda pk: self.approve(pk, by=self.two)
        yield lambda pk: self.reject(pk, by=self.supervisor)
        yield self.disputed
        yield lambda pk: self.approve(pk, by=self.two, is_confirmed=False)
        yield self.paused
        yield self.claimed
        yield self.escalated
        yield self.second_look
        yield self.confirmed_by_ralio
        yield self.settled
        yield self.another_round
        yield self.returned
        yield self.undone
        yield self.asked_for
        yield self.handed_back
        for n in range(N_PLAIN):
            maker = (self.one, self.two, self.one, self.supervisor)[n % 4]
            yield lambda pk, n=n, maker=maker: (self.approve if n % 3 == 1 else self.reject)(pk, by=maker)  # type: ignore[misc]

    # --- What ends a review ----------------------------------------------------------------------
    def reject(self, pk: UUID, *, by: User) -> Decision:
        codes = _codes(pk)
        words = REJECTING.get(codes[0], REJECTING_OTHERWISE)
        decision = review.reject(pk, by=by, seen=_seen(pk), codes=codes, rationale=words)
        return self._confirmed(decision)

    def approve(self, pk: UUID, *, by: User, is_confirmed: bool = True) -> Decision:
        decision = review.approve(pk, by=by, seen=_seen(pk), rationale=next(self._reasons))
        return self._confirmed(decision) if is_confirmed else decision

    def _confirmed(self, decision: Decision) -> Decision:
        if decision.status != DecisionStatus.PROPOSED:
            return decision
        checker = self.one if decision.maker != self.one else self.two
        return review.confirm(decision.pk, by=checker, seen=_seen(decision.session_id))

    # --- What Ralio says to it -------------------------------------------------------------------
    def disputed(self, pk: UUID) -> None:
        self.reject(pk, by=self.two)
        self.answer(pk, "verified")

    def confirmed_by_ralio(self, pk: UUID) -> None:
        self.reject(pk, by=self.one)
        self.answer(pk, "failed")

    def settled(self, pk: UUID) -> None:
        self.approve(pk, by=self.two)
        self.answer(pk, "failed")
        words = "Ralio’s own analyst saw the original document, which settles it."
        if Session.objects.filter(pk=pk, is_disputed=True).exists():
            review.settle(
                pk,
                by=self.supervisor,
                seen=_seen(pk),
                outcome=Outcome.REJECT,
                rationale=words,
                codes=_codes(pk),
            )

    def another_round(self, pk: UUID) -> None:
        self.reject(pk, by=self.one)
        self.answer(pk, "review")

    # --- What leaves it in review ----------------------------------------------------------------
    def paused(self, pk: UUID) -> None:
        until = timezone.now() + timedelta(days=2)
        words = "Asked the subject for a clearer picture of the document."
        review.wait(pk, by=self.two, seen=_seen(pk), until=until, rationale=words)

    def claimed(self, pk: UUID) -> None:
        review.claim(pk, by=self.one)
        review.add_note(
            pk, by=self.one, text="Compared with the earlier attempt: same document, better light."
        )
        review.add_note(pk, by=self.supervisor, text="Please look at the issuing country too.")

    def escalated(self, pk: UUID) -> None:
        words = "Third attempt in two days, from three countries. Is this one person?"
        review.escalate(pk, by=self.one, seen=_seen(pk), rationale=words)

    def handed_back(self, pk: UUID) -> None:
        self.escalated(pk)
        words = "The three countries are one company’s network. Nothing odd; go on."
        review.hand_back(pk, by=self.supervisor, seen=_seen(pk), rationale=words)

    def second_look(self, pk: UUID) -> None:
        words = "I am not sure about the chin. Would you look at both photographs?"
        review.ask_second_review(pk, by=self.two, seen=_seen(pk), rationale=words, to=self.one)

    def returned(self, pk: UUID) -> None:
        proposal = self.approve(pk, by=self.one, is_confirmed=False)
        if proposal.status == DecisionStatus.PROPOSED:
            review.send_back(
                proposal.pk, by=self.supervisor, answer="The document’s number cannot be read at all."
            )

    def undone(self, pk: UUID) -> None:
        review.undo(self.reject(pk, by=self.two).pk, by=self.two)

    def asked_for(self, pk: UUID) -> None:
        review.claim(pk, by=self.two)
        review.ask(pk, by=self.one)


def _waiting() -> Iterator[UUID]:
    """Yield sessions that nobody works at: first those that Ralio will soon expire, then every other one by age."""
    now = timezone.now()
    taken = FOR_SUPERVISORS | CLAIMED | PROPOSED | SNOOZED
    found = Session.objects.in_review().exclude(taken).order_by("state_since", "id")
    old = list(found.filter(state_since__lt=now - timedelta(days=3)).values_list("pk", flat=True))
    rest = list(found.exclude(pk__in=old).values_list("pk", flat=True))
    yield from (*old, *rest[::2])


def _seen(pk: UUID) -> Seen:
    session = Session.objects.get(pk=pk)
    return Seen(session.version, folding.basis(session))


def _codes(pk: UUID) -> list[str]:
    """Return the codes to reject with: the session's own, or where it has none, one of the catalogue."""
    facets = QueueFacet.objects.filter(session=pk, kind=FacetKind.CODE).exclude(value="").order_by("id")
    own = list(facets.values_list("value", flat=True))
    suspicions = set(
        ReasonCode.objects.filter(code__in=own, is_suspicion=True).values_list("code", flat=True)
    )
    return [code for code in own if code not in suspicions] or [next(iter(REJECTING))]
