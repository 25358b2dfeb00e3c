"""Every place of the program that takes something from a person, and a form that asks for all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import UUIDConverter
from django.utils import timezone

from kyc.choices import Outcome
from kyc.models import Decision, Session, User
from kyc.review import BulkAct
from tests.kyc.review.acting import WORDS, seen

# The name of an address, the address, and a form for it.
type Post = tuple[str, str, dict[str, Any]]

# Where one field chooses what is done: its name, and what may stand in it.
CHOICES: dict[str, tuple[str, list[str]]] = {
    "session-decide": ("decision", [*Outcome.values, "confirm", "settle"]),
    "session-settle": ("outcome", [Outcome.APPROVE, Outcome.REJECT]),
    "queue-bulk": ("act", [*BulkAct.values, Outcome.APPROVE, Outcome.REJECT, "confirm", "undo"]),
}


def desk_posts(session: Session, decision: Decision | None, by: User) -> Iterator[Post]:
    """Yield a post to every address but the admin's and Ralio's, with each choice that it offers, and some more."""
    form = _everything(session, by)
    for pattern in _patterns(get_resolver()):
        name, ids = pattern.name or "", _ids(pattern, session, decision)
        address = reverse(name, kwargs=ids) if name else f"/{pattern.pattern}"
        field, choices = CHOICES.get(name, ("", [""]))
        for choice in choices:
            yield name, address, form | ({field: choice} if field else {})


def admin_posts(session: Session, decision: Decision) -> Iterator[Post]:
    """Yield what could be sent to the admin's pages so that the session or the decision would change."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True)
    said = {"state": "VERIFIED", "status": "confirmed", "checker": decision.maker_id, "reason": WORDS}
    for model, pages in admin.site._registry.items():
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        known = [row for row in (session, decision) if isinstance(row, model)]
        chosen = [str(row.pk) for row in known or model._default_manager.all()[:1]]
        yield "add", reverse(f"{place}_add"), said
        for act in [*pages.get_actions(request), *(["delete_selected", "confirm"] if known else [])]:
            form = {"action": act, "_selected_action": chosen, "post": "yes", "reason": WORDS}
            yield act, reverse(f"{place}_changelist"), form
        for row in known:
            yield "change", reverse(f"{place}_change", args=[quote(row.pk)]), said
            yield "delete", reverse(f"{place}_delete", args=[quote(row.pk)]), {"post": "yes"}


def _everything(session: Session, by: User) -> dict[str, Any]:
    """Return a form with every field of every form of the desk, filled in as well as can be."""
    now, later = seen(session), timezone.now() + timedelta(days=2)
    return {f"rationale_{outcome}": WORDS for outcome in Outcome.values} | {
        "version": now.version,
        "basis": now.basis,
        "decision": Outcome.APPROVE,
        "outcome": Outcome.APPROVE,
        "rationale": WORDS,
        "answer": WORDS,
        "text": WORDS,
        "codes": ["LOW_CONFIDENCE"],
        "until_date": later.date().isoformat(),
        "until_time": "12:00",
        "s": [str(session.pk)],
        "act": BulkAct.CLAIM,
        "to": by.pk or "",
        "name": "Mine",
        "query": "view=mine",
        "status": "confirmed",
        "checker": by.pk or "",
    }


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield from [each] if each.name != "webhook" else []
        elif each.app_name != "admin":
            yield from _patterns(each)


def _ids(pattern: URLPattern, session: Session, decision: Decision | None) -> dict[str, Any]:
    """Return what stands in an address: the session's id where one is asked for, else a number."""
    numbers = {
        "decision_id": decision.pk if decision else 1,
        "delivery_id": session.deliveries.values_list("pk", flat=True).first(),
    }
    return {
        name: session.pk if isinstance(kind, UUIDConverter) else numbers.get(name, 1)
        for name, kind in pattern.pattern.converters.items()
    }
