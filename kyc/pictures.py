"""Everything derived that stands of a session, by name; and the difference between two such pictures in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, pgettext

from kyc import folding
from kyc.models import Check, Decision, Delivery, QueueFacet, Reason, RejectionReason, Session

# What a delivery's row repeats of its body, for the fold.
DESCRIBED = ("session_state", "entity_type", "user_id", "related_party_id", "n_checks", "n_reasons")
CHECKED = ("type", "state", "state_sent", "data", "provider", "checked_at")
REASONED = ("type", "code", "message", "category")

# Names that end so hold what may identify or describe a person: that they differ is said, and not how.
PERSONAL = frozenset({"data", "state_sent", "provider", "message"})
NOTHING = "–"
LONGEST_SHOWN = 100
# Names as people say them: without the signs that tell a flag or a number apart.
WORDS = {
    "category": gettext_lazy("category"),
    "checked_at": gettext_lazy("checked at"),
    "code": gettext_lazy("code"),
    "data": gettext_lazy("data"),
    "decided_by_id": gettext_lazy("decided by id"),
    "due_at": gettext_lazy("due at"),
    "entity_type": gettext_lazy("entity type"),
    "escalated_at": gettext_lazy("escalated at"),
    "evidence_id": gettext_lazy("evidence id"),
    "first_event_at": gettext_lazy("first event at"),
    "is_disputed": gettext_lazy("disputed"),
    "is_second_review": gettext_lazy("second review"),
    "is_suspect": gettext_lazy("suspect"),
    "last_event_at": gettext_lazy("last event at"),
    "message": gettext_lazy("message"),
    "n_checks": gettext_lazy("number of checks"),
    "n_reasons": gettext_lazy("number of reasons"),
    "n_refused": gettext_lazy("number of refused"),
    "proposed_by_id": gettext_lazy("proposed by id"),
    "provider": gettext_lazy("provider"),
    "provider_state": gettext_lazy("provider state"),
    "related_party_id": gettext_lazy("related party id"),
    "round": gettext_lazy("round"),
    "session_state": gettext_lazy("session state"),
    "snoozed_until": gettext_lazy("snoozed until"),
    "state": gettext_lazy("state"),
    "state_since": gettext_lazy("state since"),
    "state_sent": gettext_lazy("state sent"),
    "status": gettext_lazy("status"),
    "type": gettext_lazy("type"),
    "user_id": gettext_lazy("user id"),
}

type Picture = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs, in words for the screen; "–" stands for none. Nothing personal is in it."""

    name: str
    before: str
    after: str

    @property
    def is_own(self) -> bool:
        """Return True for what the session says of itself, False for what a delivery brought."""
        return not self.name.startswith("delivery ")

    @property
    def own_field(self) -> str:
        """Return the name in words where it is known that the session is meant."""
        where, _, name = self.name.partition(" ")
        return str(WORDS[name]) if where == "session" else self.field

    @property
    def field(self) -> str:
        """Return the name in words."""
        return _said(self.name)

    def __str__(self) -> str:
        return f"{self.field}: {self.before} → {self.after}"


def picture(session_id: UUID) -> Picture:
    """Return every derived value of a session by a name that tells where it stands and says nothing personal.

    Empty for a session never heard of.
    """
    fresh = Session.objects.filter(pk=session_id).first()
    if fresh is None:
        return {}
    seen: Picture = {
        f"session {name}": getattr(fresh, name) for name in (*folding.PROJECTED, "n_checks", "n_refused")
    }
    for delivery in Delivery.objects.filter(session=fresh).values("pk", *DESCRIBED):
        for name in DESCRIBED:
            seen[f"delivery {delivery['pk']} {name}"] = delivery[name]
    for check in Check.objects.filter(session=fresh).values("delivery_id", "position", *CHECKED):
        for name in CHECKED:
            seen[f"delivery {check['delivery_id']} check {check['position']} {name}"] = check[name]
    reasons = Reason.objects.filter(kyc_check__session=fresh)
    place = ("kyc_check__delivery_id", "kyc_check__position", "position")
    for reason in reasons.values(*place, *REASONED):
        where = "delivery {} check {} reason {}".format(*(reason[name] for name in place))
        for name in REASONED:
            seen[f"{where} {name}"] = reason[name]
    for pk, status in Decision.objects.filter(session=fresh).values_list("pk", "status"):
        seen[f"decision {pk} status"] = status
    facets = QueueFacet.objects.filter(session=fresh)
    seen["queue facets"] = sorted(facets.values_list("kind", "value", "digest", "due_at"))
    rejection = RejectionReason.objects.filter(session=fresh).order_by("position")
    seen["rejection reasons"] = [
        {name: value for name, value in row.items() if name != "id"} for row in rejection.values()
    ]
    return seen


def differing(before: Picture, after: Picture) -> list[str]:
    """Return the names of what differs, sorted."""
    return [name for name in sorted(before | after) if before.get(name) != after.get(name)]


def differences(before: Picture, after: Picture) -> Iterator[Difference]:
    """Yield what differs in words: the session's state first, its other values, then its rows'."""
    for name in sorted(differing(before, after), key=_prominence):
        was, is_now = before.get(name), after.get(name)
        is_personal = name.rpartition(" ")[2] in PERSONAL
        words = _hidden if is_personal else _words
        one, other = words(was), words(is_now)
        if is_personal and was and is_now:
            other = gettext("(another, not shown)")
        if one != other:
            yield Difference(name, one, other)


def _prominence(name: str) -> tuple[bool, bool, str]:
    return name != "session state", not name.startswith("session "), name


def _said(name: str) -> str:
    """Return a name of a picture as people say it."""
    match name.split(" "):
        case ["session", field]:
            return gettext("session %(field)s") % {"field": WORDS[field]}
        case ["decision", decision, field]:
            return gettext("decision %(decision)s %(field)s") % {"decision": decision, "field": WORDS[field]}
        case ["delivery", delivery, field]:
            return gettext("delivery %(delivery)s %(field)s") % {"delivery": delivery, "field": WORDS[field]}
        case ["delivery", delivery, "check", check, field]:
            words = gettext("delivery %(delivery)s check %(check)s %(field)s")
            return words % {"delivery": delivery, "check": check, "field": WORDS[field]}
        case ["delivery", delivery, "check", check, "reason", reason, field]:
            words = gettext("delivery %(delivery)s check %(check)s reason %(reason)s %(field)s")
            return words % {"delivery": delivery, "check": check, "reason": reason, "field": WORDS[field]}
        case ["queue", _]:
            return gettext("queue facets")
    return gettext("rejection reasons")


def plain(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return text from the wire on one line, clipped, with whatever does not print as its escape."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[:longest]}…"


def _hidden(value: Any) -> str:
    return gettext("(not shown)") if value else NOTHING


def _words(value: Any) -> str:
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(value, bool):
        return pgettext("value", "yes") if value else pgettext("value", "no")
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S} {settings.TIME_ZONE}"
    if isinstance(value, list):
        return plain(", ".join(_item(item) for item in value))
    return plain(str(value))


def _item(item: Any) -> str:
    """Name one row of a filter table: a facet by its kind and value, a rejection's reason by its code."""
    if isinstance(item, dict):
        return str(item["code"]) or gettext("no code")
    return " ".join((item[0], item[1] or pgettext("value", "none")))
