"""For whose eyes personal data is: hidden unless a role sees it, or its reader has unmasked this one thing.

Unmasking is an act with a reason. It opens one session, delivery, refused request or contact to one person in one
sign-in, for a quarter of an hour: the grants lie in the sign-in's own session, so that asking for them takes no query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from kyc import ledger
from kyc.desk.jsontree import flat, hidden
from kyc.models import Contact, Correction, Delivery, RefusedRequest, User
from kyc.ralio.bodies import veiled
from kyc.ralio.jsontext import NotJson, parse

SEE, UNMASK = "kyc.view_personal_data", "kyc.unmask_personal_data"
LASTS = timedelta(minutes=15)
LEAST_REASON, LONGEST_REASON = 10, 1000
# What stands in place of a text.
MASK = "••••••"

# Where the grants lie in the sign-in's session, and how many it holds: the newest.
_KEY = "unmasked"
_MOST = 50


def of_session(pk: UUID | str) -> str:
    """Name a session's personal data: its checks' data, its deliveries' bodies, its subject's contacts."""
    return f"session:{pk}"


def of_delivery(row: Delivery) -> tuple[str, ...]:
    """Name a delivery's body; where its session is unmasked, so is it."""
    own = (f"delivery:{row.pk}",)
    return (*own, of_session(row.session_id)) if row.session_id else own


def of_refused(row: RefusedRequest) -> str:
    return f"refused_request:{row.pk}"


def of_contact(row: Contact) -> str:
    return f"contact:{row.pk}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader sees of the personal data on a page. `until` is set where they see it because they unmasked it."""

    is_clear: bool
    may_unmask: bool
    until: datetime | None = None

    @property
    def is_masked(self) -> bool:
        return not self.is_clear


def sight(request: HttpRequest, *places: str) -> Sight:
    """Return what the reader sees of personal data that lies in any of these places. No query but for the role's."""
    if request.user.has_perm(SEE):
        return Sight(is_clear=True, may_unmask=False)
    may_unmask = request.user.has_perm(UNMASK)
    until = _until(request, places) if may_unmask else None
    return Sight(is_clear=until is not None, may_unmask=may_unmask, until=until)


def may_see(request: HttpRequest, *places: str) -> bool:
    """Return True when the reader sees personal data that lies in any of these places."""
    return sight(request, *places).is_clear


def unmask(request: HttpRequest, place: str, *, by: User, reason: str, session_id: UUID | None) -> None:
    """Open a place to this sign-in for LASTS. The ledger has it first, on the session's chain and on the person's."""
    detail = {**_named(place, session_id), "minutes": LASTS // timedelta(minutes=1), "reason": reason}
    with transaction.atomic():
        if session_id:
            ledger.append(ledger.session_chain(session_id), "personal_data.unmasked", actor=by, **detail)
        ledger.append(ledger.person_chain(by), "personal_data.unmasked", actor=by, **detail)
    _keep(request, {**_grants(request), place: (timezone.now() + LASTS).timestamp()})


def mask(request: HttpRequest, *places: str, by: User, session_id: UUID | None) -> None:
    """Close places before their time; the person's chain has it. What is not open stays as it is."""
    grants = _grants(request)
    if grants.keys().isdisjoint(places):
        return
    detail = _named(places[0], session_id)
    with transaction.atomic():
        ledger.append(ledger.person_chain(by), "personal_data.masked", actor=by, **detail)
    _keep(request, {name: until for name, until in grants.items() if name not in places})


def conceal(rows: Iterable[Contact | Correction | Delivery | RefusedRequest]) -> None:
    """Put MASK in the place of what is personal in rows that a page shows and nobody saves."""
    for row in rows:
        match row:
            case Contact():
                row.name, row.email = (MASK if text else "" for text in (row.name, row.email))
            case Correction(field="data"):
                row.old = row.new = json.dumps(MASK)
            case Delivery() | RefusedRequest():
                row.body = masked_text(veiled(bytes(row.body))).encode() if row.body else row.body


def masked_text(text: str | bytes) -> str:
    """Return JSON text with its names and its shape, and no value; of what is no JSON, nothing."""
    try:
        value = parse(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    except NotJson:
        return MASK
    return flat(hidden(value))


def _named(place: str, session_id: UUID | None) -> dict[str, ledger.Detail]:
    kind, _, name = place.partition(":")
    of_it: dict[str, ledger.Detail] = {"session": str(session_id)} if session_id else {}
    return {**of_it, kind: int(name) if name.isdecimal() else name}


def _until(request: HttpRequest, places: tuple[str, ...]) -> datetime | None:
    grants = _grants(request)
    ends = [grants[place] for place in places if place in grants]
    return datetime.fromtimestamp(max(ends), UTC) if ends else None


def _grants(request: HttpRequest) -> dict[str, float]:
    """Return the places that are open to this person in this sign-in, and until when."""
    kept = request.session.get(_KEY, {})
    if kept.get("person") != request.user.pk:
        return {}
    now = timezone.now().timestamp()
    return {place: until for place, until in kept["places"].items() if until > now}


def _keep(request: HttpRequest, grants: dict[str, float]) -> None:
    newest = sorted(grants.items(), key=lambda grant: grant[1])[-_MOST:]
    request.session[_KEY] = {"person": request.user.pk, "places": dict(newest)}
