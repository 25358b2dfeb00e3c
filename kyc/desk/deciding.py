"""Decide, propose, confirm, return, undo and settle, from the session page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc import review
from kyc.choices import DecisionStatus, Outcome
from kyc.desk import reasons
from kyc.desk.access import DeskRequest, requires
from kyc.desk.acting import Kept, acts, attempt, back, own_decision, person, seen_by
from kyc.desk.forms import AnswerForm, DecideForm, SettleForm
from kyc.desk.opening import Typed
from kyc.desk.session import show
from kyc.models import Decision, Session, User

# Of the codes that a message names.
MOST_NAMED, LONGEST_NAMED = 3, 60

SAID = {
    Outcome.APPROVE: "Session approved.",
    Outcome.REJECT: "Session rejected.",
    Outcome.ESCALATE: "Session escalated to supervisors.",
    Outcome.SECOND_REVIEW: "A second review is asked for. You keep the session.",
    Outcome.RESUME: "The wait is over. You hold the session.",
    Outcome.HAND_BACK: "Session handed back to officers.",
}


@acts
def decide(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Do what the panel's choice says; `find` looks for codes and judges nothing yet."""
    form = DecideForm(request.POST)
    if "find" in request.POST:
        search = request.POST.get("code", "")
        return show(request, pk, Typed(decide=DecideForm.kept(request.POST), seen=form.seen, search=search))
    done = attempt(request, pk, Kept("decide", form), lambda: _act(pk, request.user, form))
    if not isinstance(done, Decision):
        return done or back(request, pk)
    return back(request, pk, _words(done), undo=done.pk if _can_undo(done) else None)


@acts
def settle(request: DeskRequest, pk: UUID) -> HttpResponse:
    form = SettleForm(request.POST)
    if "find" in request.POST:
        search = request.POST.get("code", "")
        return show(request, pk, Typed(settle=SettleForm.kept(request.POST), seen=form.seen, search=search))

    def act() -> Decision:
        found = form.cleaned_data
        return review.settle(
            pk,
            by=request.user,
            seen=seen_by(form),
            outcome=Outcome(found["outcome"]),
            codes=found["codes"],
            rationale=found["rationale"],
        )

    done = attempt(request, pk, Kept("settle", form), act)
    if not isinstance(done, Decision):
        return done or back(request, pk)
    return back(request, pk, "Dispute settled.", undo=done.pk if _can_undo(done) else None)


@acts
def confirm(request: DeskRequest, pk: UUID, decision_id: int) -> HttpResponse:
    own_decision(pk, decision_id)
    form = AnswerForm(request.POST)

    def act() -> Decision:
        return review.confirm(decision_id, by=request.user, seen=seen_by(form))

    done = attempt(request, pk, Kept("answer", form), act)
    if not isinstance(done, Decision):
        return done or back(request, pk)
    return back(request, pk, _words(done), undo=done.pk if _can_undo(done) else None)


@acts
def send_back(request: DeskRequest, pk: UUID, decision_id: int) -> HttpResponse:
    own_decision(pk, decision_id)
    form = AnswerForm(request.POST)

    def act() -> Decision:
        return review.send_back(decision_id, by=request.user, answer=form.cleaned_data["answer"])

    done = attempt(request, pk, Kept("answer", form), act)
    if not isinstance(done, Decision):
        return done or back(request, pk)
    return back(request, pk, f"Sent back to {done.maker.username}.")


@acts
def undo(request: DeskRequest, pk: UUID, decision_id: int) -> HttpResponse:
    done = review.undo(own_decision(pk, decision_id), by=request.user)
    words = "Decision taken back." if done.confirmed_at else "Proposal taken back."
    return back(request, pk, f"{words} The session is in review again.")


@require_safe
@never_cache
@requires("kyc.decide_session")
def codes(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Answer the part of the catalogue that `code` asks for, for the panel's list."""
    get_object_or_404(Session.objects.only("pk"), pk=pk)
    found, has_more = reasons.find(request.GET.get("code", ""))
    context = {"found": found, "has_more": has_more, "name": "codes"}
    return render(request, "desk/session/decision/catalogue.html", context)


def _act(pk: UUID, by: User, form: DecideForm) -> Decision:
    """Do what the form chose."""
    seen, words = seen_by(form), form.rationale
    to = person(form.to)
    acts: dict[Outcome, Callable[[], Decision]] = {
        Outcome.APPROVE: lambda: review.approve(pk, by=by, seen=seen, rationale=words),
        Outcome.REJECT: lambda: review.reject(
            pk, by=by, seen=seen, codes=form.cleaned_data["codes"], rationale=words
        ),
        Outcome.ESCALATE: lambda: review.escalate(pk, by=by, seen=seen, rationale=words, to=to),
        Outcome.SECOND_REVIEW: lambda: review.ask_second_review(pk, by=by, seen=seen, rationale=words, to=to),
        Outcome.WAIT: lambda: review.wait(
            pk, by=by, seen=seen, until=form.cleaned_data["until"], rationale=words
        ),
        Outcome.RESUME: lambda: review.resume(pk, by=by, seen=seen),
        Outcome.HAND_BACK: lambda: review.hand_back(pk, by=by, seen=seen, rationale=words),
    }
    return acts[form.outcome]()


def _can_undo(decision: Decision) -> bool:
    until = review.undo_until(decision)
    return decision.status == DecisionStatus.PROPOSED or (until is not None and until > timezone.now())


def _words(done: Decision) -> str:
    """Say what was done, and what follows from it."""
    outcome = Outcome(done.outcome)
    if done.status == DecisionStatus.PROPOSED:
        verb = "approve" if outcome == Outcome.APPROVE else "reject"
        return f"You propose to {verb} this session. Another person has to confirm."
    if done.wait_until is not None:
        local = timezone.localtime(done.wait_until)
        return f"The session waits until {local.day} {local:%b}, {local:%H:%M} {local.tzname()}."
    return SAID[outcome].removesuffix(".") + _with_codes(done.codes) + "."


def _with_codes(codes: Sequence[str]) -> str:
    """Name the codes as far as they fit a message."""
    if not codes:
        return ""
    if len(codes) > MOST_NAMED or any(len(code) > LONGEST_NAMED for code in codes):
        return f" with {len(codes)} code{'' if len(codes) == 1 else 's'}"
    return f" with {', '.join(codes)}"
