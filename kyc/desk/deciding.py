"""Decide, propose, confirm, return, undo and settle, from the session page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc import review
from kyc.choices import DecisionStatus, Outcome
from kyc.desk import reasons
from kyc.desk.access import DeskRequest, requires
from kyc.desk.acting import Kept, acts, attempt, back, own_decision, person, seen_by
from kyc.desk.forms import AnswerForm, DecideForm, SettleForm
from kyc.desk.opening import Typed
from kyc.desk.sensitive import sensitive
from kyc.desk.session import show
from kyc.models import Decision, Session, User
from kyc.templatetags.desk import brief

# Of the codes that a message names.
MOST_NAMED, LONGEST_NAMED = 3, 60

SAID = {
    Outcome.APPROVE: gettext_lazy("Session approved."),
    Outcome.REJECT: gettext_lazy("Session rejected."),
    Outcome.ESCALATE: gettext_lazy("Session escalated to supervisors."),
    Outcome.SECOND_REVIEW: gettext_lazy("A second review is asked for. You keep the session."),
    Outcome.RESUME: gettext_lazy("The wait is over. You hold the session."),
    Outcome.HAND_BACK: gettext_lazy("Session handed back to officers."),
}
PROPOSED = {
    Outcome.APPROVE: gettext_lazy("You propose to approve this session. Another person has to confirm."),
    Outcome.REJECT: gettext_lazy("You propose to reject this session. Another person has to confirm."),
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
    return back(request, pk, gettext("Dispute settled."), undo=done.pk if _can_undo(done) else None)


@acts
@sensitive
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
    return back(request, pk, gettext("Sent back to %(name)s.") % {"name": done.maker.username})


@acts
def undo(request: DeskRequest, pk: UUID, decision_id: int) -> HttpResponse:
    done = review.undo(own_decision(pk, decision_id), by=request.user)
    if done.confirmed_at:
        return back(request, pk, gettext("Decision taken back. The session is in review again."))
    return back(request, pk, gettext("Proposal taken back. The session is in review again."))


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
        return str(PROPOSED[outcome])
    if done.wait_until is not None:
        return gettext("The session waits until %(when)s.") % {"when": brief(done.wait_until)}
    return _rejected_with(done.codes) if outcome == Outcome.REJECT and done.codes else str(SAID[outcome])


def _rejected_with(codes: Sequence[str]) -> str:
    """Name the codes as far as they fit a message."""
    if len(codes) > MOST_NAMED or any(len(code) > LONGEST_NAMED for code in codes):
        words = ngettext(
            "Session rejected with %(n)s code.", "Session rejected with %(n)s codes.", len(codes)
        )
        return words % {"n": len(codes)}
    return gettext("Session rejected with %(codes)s.") % {"codes": ", ".join(codes)}
