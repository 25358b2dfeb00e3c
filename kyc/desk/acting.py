"""The doors of the session page's acts: each is a form's POST, and answers with a redirect to the page.

What cannot be done answers with the page itself, where everything that was typed still stands: 403 for who may not,
409 for what has changed, 422 for what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kyc.desk.access import DeskRequest, requires
from kyc.desk.forms import NOBODY, ActForm
from kyc.desk.neighbours import address
from kyc.desk.opening import Typed
from kyc.desk.session import show
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Decision, User
from kyc.review import Seen


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes back onto the page when an act is not done: the form, by its name there."""

    name: str
    form: ActForm

    def typed(self, refusal: str = "") -> Typed:
        named: dict[str, Any] = {self.name: self.form}
        return Typed(**named, seen=self.form.seen, refusal=refusal)


def acts[**P](
    view: Callable[Concatenate[DeskRequest, P], HttpResponse],
) -> Callable[Concatenate[DeskRequest, P], HttpResponse]:
    """Make a view the door of one act on the session `pk`. A GET, by a reload, finds the session as it is."""

    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @requires("kyc.view_session")
    @wraps(view)
    def answered(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        pk = kwargs["pk"]
        assert isinstance(pk, UUID)  # noqa: S101 - the addresses name it
        if request.method != "POST":
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{reverse('session', args=[pk])}{'?' if query else ''}{query}")
        try:
            return view(request, *args, **kwargs)
        except ActForbidden as forbidden:
            return show(request, pk, Typed(refusal=str(forbidden)), status=HTTPStatus.FORBIDDEN)
        except ActRefused as refused:
            return show(request, pk, Typed(refusal=" ".join(refused.messages)))

    return answered


def attempt(
    request: DeskRequest, pk: UUID, kept: Kept, act: Callable[[], Decision | None]
) -> Decision | HttpResponse | None:
    """Do an act that a form asks for, and return its decision, or the page with the form that could not be followed."""
    if not kept.form.is_valid():
        return show(request, pk, kept.typed(), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        return act()
    except ActForbidden as forbidden:
        return show(request, pk, kept.typed(str(forbidden)), status=HTTPStatus.FORBIDDEN)
    except (SessionChanged, ClaimedByAnother) as conflict:
        return show(request, pk, kept.typed(" ".join(conflict.messages)))
    except ActRefused as refused:
        kept.form.refuse(refused)
        return show(request, pk, kept.typed(), status=HTTPStatus.UNPROCESSABLE_ENTITY)


def seen_by(form: ActForm) -> Seen:
    """Return what the sender had before them. A form that does not say has seen nothing."""
    return form.seen or Seen(-1, -1)


def back(request: DeskRequest, pk: UUID, words: str = "", *, undo: int | None = None) -> HttpResponse:
    """Return to the session, on the way through the queue that its reader is on, and say what was done.

    `undo` is a decision that can be taken back: the message offers it.
    """
    if words:
        tags = reverse("decision-undo", args=[pk, undo]) if undo else ""
        messages.success(request, words, extra_tags=tags)
    return HttpResponseRedirect(address(pk, request.POST.get("from", "")), status=HTTPStatus.SEE_OTHER)


def person(pk: int | None) -> User | None:
    """Return the person that a form names, None where it names nobody."""
    if pk is None:
        return None
    found = User.objects.filter(pk=pk).first()
    if found is None:
        raise ActRefused({"to": NOBODY})
    return found


def own_decision(pk: UUID, decision_id: int) -> int:
    """Return the id of a decision of this session, or answer that there is none."""
    get_object_or_404(Decision.objects.only("pk"), pk=decision_id, session=pk)
    return decision_id
