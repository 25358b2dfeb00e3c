"""What is measured: every page of the desk's queue, beside each other in a small and in a large database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from kyc.desk.asking import Asked
from kyc.desk.live import mark
from kyc.desk.paging import SIZE
from kyc.models import Session
from tests.bench.desk import peer, shape
from tests.bench.desk.desks import Desk, Request

QUEUE = "/queue/"
THOUSANDTH = 1000
FIRST_PAGE, DEEP_PAGE = "queue, due first", "queue, due first, page 1,000"
PEER, CAPPED_PEER = "admin list, in REVIEW", "admin list with a capped count"


@dataclass(frozen=True, slots=True)
class Turn:
    """One request. `of` names the first page where this is a later one; `is_promised` when its growth is bounded."""

    name: str
    request: Request
    of: str = ""
    is_promised: bool = True


def turns(desk: Desk) -> Iterator[Turn]:
    """Yield the requests, with what their addresses need from this database."""
    desk.use()
    yield from _lists(desk)
    yield from _later_pages(desk)
    yield from _single(desk)
    yield from _history(desk)
    yield Turn("claim next", _claim_next)
    yield Turn(PEER, _get(f"/peer/kyc/session/{peer.IN_REVIEW}"), is_promised=False)
    yield Turn(CAPPED_PEER, _get(f"/capped-peer/kyc/session/{peer.IN_REVIEW}"), is_promised=False)


def _get(address: str) -> Request:
    def request(client: Client) -> HttpResponse:
        answer: Any = client.get(address)
        return answer

    return request


def _lists(desk: Desk) -> Iterator[Turn]:
    some_day = timezone.localdate(desk.now - timedelta(hours=20)).isoformat()
    first = Session.objects.in_review().due_first()[0]
    yield Turn(FIRST_PAGE, _get(QUEUE))
    for name, query in {
        "view: mine": "view=mine",
        "view: free": "view=free",
        "view: supervisors": "view=supervisors",
        "view: second": "view=second",
        "view: waiting": "view=waiting",
        "tab: overdue": "sla=overdue",
        "tab: due soon": "sla=soon",
        "on time": "sla=ok",
        "tab: related parties": "entity=related-party",
        "entity": "entity=user",
        "check": f"check={shape.CHECK_TYPES[4]}",
        "reason": f"reason={shape.A_CODE}",
        "reason, rare": f"reason={shape.RARE_CODES[0]}",
        "category": f"category={shape.CATEGORIES[2]}",
        "age": "age=4-20",
        "received from": f"from={some_day}",
        "received until": f"to={some_day}",
        "assignee: none": "assignee=none",
        "assignee: me": "assignee=me",
        "assignee: a person": f"assignee={desk.me.pk}",
        "search: beginning of an ID": f"q={str(first.pk)[:8]}",
        "search: code": f"q={shape.A_CODE}",
        "search: exact ID": f"q={first.pk}",
        "oldest first": "sort=oldest",
        "newest first": "sort=newest",
        "most refused first": "sort=refused",
    }.items():
        yield Turn(f"queue, {name}", _get(f"{QUEUE}?{query}"))
    for name, query in {
        "check and reason": f"check={shape.CHECK_TYPES[1]}&reason={shape.A_CODE}",
        "reason, oldest first": f"reason={shape.A_CODE}&sort=oldest",
    }.items():
        yield Turn(f"two at once: {name}", _get(f"{QUEUE}?{query}"), is_promised=False)


def _later_pages(desk: Desk) -> Iterator[Turn]:
    for name, query in {
        FIRST_PAGE: "",
        "queue, oldest first": "sort=oldest",
        "queue, newest first": "sort=newest",
        "queue, most refused first": "sort=refused",
    }.items():
        address = f"{QUEUE}?{desk.deep(query, THOUSANDTH)}"
        yield Turn(f"{name}, page 1,000", _get(address), of=name)


def _single(desk: Desk) -> Iterator[Turn]:
    in_review = Session.objects.in_review().due_first()
    free = in_review.filter(
        assignee=None, proposed_by=None, escalated_at=None, snoozed_until=None, is_disputed=False
    )
    plain, proposed, disputed = (
        rows[0].pk
        for rows in (free, in_review.filter(proposed_by__isnull=False), in_review.filter(is_disputed=True))
    )
    listed, _ = Asked.of("", desk.me).found(desk.now)
    marks = "_".join(f"{row.pk.hex}.{mark(row, desk.now)}" for row in listed.due_first()[:SIZE])
    since = urlencode({"since": (desk.now - timedelta(days=2)).isoformat()})
    yield Turn("session", _get(f"/sessions/{plain}/"))
    yield Turn("session, with its place in the queue", _get(f"/sessions/{plain}/?from=sla%3Doverdue"))
    yield Turn("session, with a proposal", _get(f"/sessions/{proposed}/"))
    yield Turn("session, disputed", _get(f"/sessions/{disputed}/"))
    yield Turn("preview", _get(f"/queue/peek/{plain}/"))
    yield Turn("decided here, REVIEW at Ralio", _get("/queue/portal/"))
    yield Turn("poll: rows, nothing changed", _get(f"/queue/rows/?s={marks}"))
    yield Turn("poll: rows, all changed", _get(f"/queue/rows/?s={marks.replace('.', '.x')}"))
    yield Turn("poll: new sessions", _get(f"/queue/new/?{since}"))


def _history(desk: Desk) -> Iterator[Turn]:
    """The history's chart and counts are over all days that are asked for, so a small database has less to show."""
    long_ago = f"from={timezone.localdate(desk.now - timedelta(days=720)).isoformat()}"
    for name, query in {
        "history": "",
        "history, code": f"code={shape.A_CODE}",
        "history, two years": long_ago,
    }.items():
        yield Turn(name, _get(f"/rejected/?{query}"), is_promised=False)


def _claim_next(client: Client) -> HttpResponse:
    """Claim, and take it back: the next one finds the same."""
    with transaction.atomic():
        answer: Any = client.post("/queue/claim-next/", {"from": ""})
        transaction.set_rollback(True)
    return answer
