"""A kept body beside its faults: as a tree in which they are marked, as text where it is no JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BinaryField, Case, F, QuerySet, When
from django.http import HttpResponse

from kyc.desk.bodies import LONGEST_BODY, short_body
from kyc.desk.jsontree import Hits, Pencil, Tree
from kyc.desk.masking import masked_text
from kyc.models import Delivery, RefusedRequest
from kyc.ralio.bodies import veiled
from kyc.ralio.events import clean

# More faults than these are told by their number.
MOST_FAULTS, MOST_HITS = 20, 500


@dataclass(frozen=True, slots=True)
class ShownBody:
    """A body as a page shows it. No `tree`: too long for the page; one without pieces: no JSON, see the text."""

    tree: Tree | None
    text: str
    is_veiled: bool = False


def shown(
    row: Delivery | RefusedRequest, places: Iterable[str] = (), *, is_masked: bool = False
) -> ShownBody:
    """Return the body of a row that comes `with_short_body`, with what its faults name marked."""
    body = short_body(row)
    if body is None:
        return ShownBody(None, "")
    seen = veiled(body)
    tree = Pencil(is_masked=is_masked).draw(seen, "body", Hits(places))
    text = masked_text(seen) if is_masked else clean(seen.decode("utf-8", "replace"))
    return ShownBody(tree, text, is_veiled=seen != body)


def places(faults: Iterable[Mapping[str, str]], body: bytes | None, *, is_conflict: bool) -> list[str]:
    """Return the places that faults name. A conflict's fault is about the event id, however the body spells it."""
    named = [fault["path"] for fault in faults][:MOST_HITS]
    if not is_conflict:
        return named
    spellings = ("id", "eventId", "event_id")
    return [name for name in spellings if f'"{name}"'.encode() in (body or b"")][:1]


def with_short_body(requests: QuerySet[RefusedRequest]) -> QuerySet[RefusedRequest]:
    """Load `short_body` in place of `body`, as deliveries can."""
    short = Case(When(n_kept_bytes__lte=LONGEST_BODY, then=F("body")), output_field=BinaryField())
    return requests.annotate(short_body=short).defer("body")


def download(body: Any, name: str) -> HttpResponse:
    """Answer a body as a file that no browser opens, exact but for the subject's personal link."""
    answer = HttpResponse(veiled(bytes(body)), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer
