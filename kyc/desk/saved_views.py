"""A person's own views: names for filters of the queue that the person asks for often."""

from __future__ import annotations

from functools import lru_cache

from django.contrib import messages
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kyc.desk.access import DeskRequest, requires
from kyc.desk.asking import Asked
from kyc.desk.remembered import Remembered
from kyc.models import SavedView, User

# Each costs a count on every page of the queue.
MOST = 8
LONGEST_NAME = 40
# It is part of a link on every page of the queue.
LONGEST_QUERY = 2000


def saved_views(person: User) -> list[SavedView]:
    """Return the person's own views, in the order in which they were saved. One query."""
    rows = _remembered(person.pk, connection.vendor).rows(timezone.now())
    return [SavedView(pk=pk, owner_id=person.pk, name=name, query=query) for pk, name, query in rows]


@lru_cache(maxsize=256)
def _remembered(person: int, _engine: str) -> Remembered:
    own = SavedView.objects.filter(owner=person).values_list("pk", "name", "query")[:MOST]
    return Remembered.of(lambda _now: own)


@require_POST
@never_cache
@requires("kyc.view_session")
def save(request: DeskRequest) -> HttpResponse:
    """Keep the filters that `from` says under a name; what is wrong with the name is said where it was typed."""
    asked = Asked.of(request.POST.get("from", ""), request.user)
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())
    fault = _fault(request.user, name, asked.filters.query) or _insert(
        request.user, name, asked.filters.query
    )
    if fault:
        context = {"asked": asked, "name": name, "fault": fault, "longest": LONGEST_NAME}
        return render(request, "desk/queue/save_view.html", context, status=422)
    messages.success(request, gettext("View saved: %(name)s.") % {"name": name})
    return redirect(f"{reverse('queue')}?{asked.filters.query}")


@require_POST
@never_cache
@requires("kyc.view_session")
def delete(request: DeskRequest, pk: int) -> HttpResponse:
    """Delete a view of one's own; nobody else's can be reached."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    view.delete()
    messages.success(request, gettext("View deleted: %(name)s.") % {"name": view.name})
    return redirect("queue")


def _fault(person: User, name: str, query: str) -> str:
    """Return what keeps the view from being saved; empty when nothing does."""
    if not name:
        return gettext("Give the view a name.")
    if len(name) > LONGEST_NAME:
        words = gettext("Use at most %(most)d characters. You have %(n)d.")
        return words % {"most": LONGEST_NAME, "n": len(name)}
    if not query:
        return gettext("These filters leave nothing out, so there is nothing to save.")
    if len(query) > LONGEST_QUERY:
        return gettext("These filters are too long to be saved. Choose fewer.")
    views = saved_views(person)
    if len(views) >= MOST:
        return gettext("You have %(n)d views, and more do not fit. Delete one first.") % {"n": MOST}
    same = next((view.name for view in views if view.query == query), None)
    return gettext("You have saved these filters already, as %(name)s.") % {"name": same} if same else ""


def _insert(person: User, name: str, query: str) -> str:
    try:
        with transaction.atomic():
            SavedView.objects.create(owner=person, name=name, query=query)
    except IntegrityError:
        return gettext("You have a view called %(name)s already.") % {"name": name}
    return ""
