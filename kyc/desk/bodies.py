"""Kept deliveries as pages show them: the body as a tree and as text, or a link where it is too long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from kyc.choices import DeliveryStatus
from kyc.desk.jsontree import HIDDEN, Pencil, Tree, flat, hidden
from kyc.desk.masking import masked_text
from kyc.models import Delivery, Session
from kyc.models.deliveries import CONFLICTING
from kyc.ralio.bodies import data_members, names_entity, veiled
from kyc.ralio.events import clean
from kyc.ralio.jsontext import Members

# Longer ones are read at their own address.
LONGEST_BODY = 64 * 1024
MOST_CONFLICTS, MOST_RECORDS = 50, 50


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A delivery with its body as a page shows it. Without a tree the body is too long for the page."""

    row: Delivery
    tree: Tree | None
    text: str
    is_newest_event: bool = False
    is_veiled: bool = False

    @property
    def is_superseded(self) -> bool:
        return self.row.status == DeliveryStatus.APPLIED and not self.is_newest_event

    @property
    def is_conflict(self) -> bool:
        return self.row.status == DeliveryStatus.QUARANTINED


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """An event about the subject's record: what its data says, member by member."""

    delivery: ShownDelivery
    said: Sequence[tuple[str, str]]


def deliveries(rows: Iterable[Delivery], newest_event: int | None, pencil: Pencil) -> list[ShownDelivery]:
    """Return deliveries as shown, in their order; `rows` come `with_short_bodies`."""
    return [_shown(row, pencil, is_newest=row.pk == newest_event) for row in rows]


def conflicts(rows: Iterable[Delivery]) -> QuerySet[Delivery]:
    """Return the quarantined deliveries that brought other content under the event ids of `rows`."""
    ids = [row.event_id for row in rows]
    found = Delivery.objects.filter(CONFLICTING, event_id__in=ids).with_short_bodies(LONGEST_BODY)
    return found.order_by("-id")[:MOST_CONFLICTS]


def records_about(session: Session) -> QuerySet[Delivery]:
    """Return the newest record events about the session's subject, and one more than a page shows."""
    found = Delivery.objects.records_about(session).with_short_bodies(LONGEST_BODY)
    return found.in_event_order()[: MOST_RECORDS + 1]


def records(rows: Sequence[Delivery], pencil: Pencil) -> tuple[list[ShownRecord], bool]:
    """Return the rows of `records_about` as shown, and whether there are more."""
    shown = [ShownRecord(_shown(row, pencil), _said(row, pencil)) for row in rows[:MOST_RECORDS]]
    return shown, len(rows) > MOST_RECORDS


def is_entity_inferred(row: Delivery) -> bool:
    """Return True when the event left it to its ids what kind of subject it is about."""
    body = short_body(row)
    return body is not None and not names_entity(body)


def short_body(row: Model) -> bytes | None:
    """Return the body of a row that was loaded with a short one, None where it is too long for a page."""
    annotated: Any = row
    return None if annotated.short_body is None else bytes(annotated.short_body)


def concerns(delivery: Delivery, session: Session) -> bool:
    """Return True when the session's page speaks of the delivery."""
    if delivery.session_id == session.pk:
        return True
    if delivery.status == DeliveryStatus.RECORDED:
        return _shares_an_id(delivery, session.user_id, session.related_party_id)
    is_conflict = delivery.status == DeliveryStatus.QUARANTINED and delivery.event_id is not None
    return is_conflict and session.deliveries.filter(event_id=delivery.event_id).exists()


def _shares_an_id(delivery: Delivery, user_id: UUID | None, related_party_id: UUID | None) -> bool:
    is_user = user_id is not None and delivery.user_id == user_id
    is_party = related_party_id is not None and delivery.related_party_id == related_party_id
    return is_user or is_party


def _shown(row: Delivery, pencil: Pencil, *, is_newest: bool = False) -> ShownDelivery:
    body = short_body(row)
    if body is None:
        return ShownDelivery(row, None, "", is_newest)
    seen = veiled(body)
    text = masked_text(seen) if pencil.is_masked else clean(seen.decode("utf-8", "replace"))
    return ShownDelivery(row, pencil.draw(seen, "body"), text, is_newest, is_veiled=seen != body)


def _said(row: Delivery, pencil: Pencil) -> list[tuple[str, str]]:
    said = data_members(veiled(short_body(row) or b""))
    if pencil.is_masked:
        return [(name, str(HIDDEN)) for name, _ in hidden(Members(said)).pairs]
    return [(clean(name), flat(value)) for name, value in said]
