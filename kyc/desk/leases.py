"""Claim, release, reassign, ask and answer, from the session page."""

from __future__ import annotations

import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext

from kyc import review
from kyc.desk.access import DeskRequest
from kyc.desk.acting import acts, back, person
from kyc.desk.forms import NOBODY
from kyc.exceptions import ActRefused
from kyc.models import Session

IS_ID = re.compile("[0-9]{1,18}")


@acts
def claim(request: DeskRequest, pk: UUID) -> HttpResponse:
    review.claim(pk, by=request.user)
    return back(request, pk)


@acts
def release(request: DeskRequest, pk: UUID) -> HttpResponse:
    review.release(pk, by=request.user)
    return back(request, pk, gettext("Session released. It is free for others."))


@acts
def assign(request: DeskRequest, pk: UUID) -> HttpResponse:
    text = request.POST.get("to", "")
    to = person(int(text)) if IS_ID.fullmatch(text) else None
    if to is None:
        raise ActRefused({"to": NOBODY})
    review.assign(pk, by=request.user, to=to)
    return back(request, pk, gettext("Session assigned to %(name)s.") % {"name": to.username})


@acts
def ask(request: DeskRequest, pk: UUID) -> HttpResponse:
    holder = review.ask(pk, by=request.user).assignee
    if holder is None:
        return back(request, pk, gettext("The holder is asked to hand this session over."))
    words = gettext("%(name)s is asked to hand this session over.")
    return back(request, pk, words % {"name": holder.username})


@acts
def hand_over(request: DeskRequest, pk: UUID) -> HttpResponse:
    holder = review.hand_over(pk, by=request.user).assignee
    if holder is None:
        return back(request, pk, gettext("Session handed over to who asked."))
    return back(request, pk, gettext("Session handed over to %(name)s.") % {"name": holder.username})


@acts
def keep(request: DeskRequest, pk: UUID) -> HttpResponse:
    review.keep(pk, by=request.user)
    return back(request, pk, gettext("You keep this session."))


@acts
def renew(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Begin the lease anew while its page is in use; the page's own line about it says until when."""
    until = review.renew(pk, by=request.user)
    if until is None:
        get_object_or_404(Session.objects.only("pk"), pk=pk)
    if not request.htmx:
        return back(request, pk)
    return render(request, "desk/session/claim/lease.html", {"pk": pk, "until": until})
