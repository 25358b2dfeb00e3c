"""Previous and Next follow the queue in the order and with the filters that the officer came with."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

from kyc.models import Session
from tests.kyc.desk.arrivals import again, arrive, page, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def three() -> list[Session]:
    """Three sessions of the queue, the most urgent first; the middle one was refused for another reason."""
    codes = ("NO_MATCH", "EXPIRED", "NO_MATCH")
    return [arrive("REVIEW", hours=9 - n, checks=[refused(code)] * (n + 1)) for n, code in enumerate(codes)]


def link(session: Session, query: str = "") -> str:
    suffix = f"?from={quote(query, safe='')}" if query else ""
    return f'href="/sessions/{session.pk}/{suffix}"'


def ways(html: str) -> tuple[str, str]:
    """Return the Previous and the Next link."""
    group = html[html.index('class="btn-group"') : html.index("</nav>", html.index('class="btn-group"'))]
    first, second = group.split("<a ")[1:]
    return first, second


def test_they_follow_the_due_times(officer_client: Client, three: list[Session]) -> None:
    previous, next_ = ways(page(officer_client, three[1]))

    assert link(three[0]) in previous
    assert link(three[2]) in next_


def test_the_queue_has_two_ends(officer_client: Client, three: list[Session]) -> None:
    assert 'aria-disabled="true"' in ways(page(officer_client, three[0]))[0]
    assert 'aria-disabled="true"' in ways(page(officer_client, three[2]))[1]


@pytest.mark.parametrize("query", ["reason=NO_MATCH", "reason=NO_MATCH&reason=OTHER", "q=no_match"])
def test_a_filter_skips_what_it_leaves_out(officer_client: Client, three: list[Session], query: str) -> None:
    _, next_ = ways(page(officer_client, three[0], f"?from={quote(query, safe='')}"))

    assert link(three[2], query) in next_


@pytest.mark.parametrize(
    ("sort", "order"), [("newest", (2, 1, 0)), ("refused", (2, 1, 0)), ("oldest", (0, 1, 2))]
)
def test_they_follow_the_queues_sort(
    officer_client: Client, three: list[Session], sort: str, order: tuple[int, ...]
) -> None:
    before, here, after = (three[n] for n in order)
    previous, next_ = ways(page(officer_client, here, f"?from=sort%3D{sort}"))

    assert link(before, f"sort={sort}") in previous
    assert link(after, f"sort={sort}") in next_


def test_the_way_back_keeps_the_filter(officer_client: Client, three: list[Session]) -> None:
    assert 'href="/queue/?reason=NO_MATCH">Review queue' in page(
        officer_client, three[0], "?from=reason%3DNO_MATCH"
    )


@pytest.mark.parametrize("query", ["//evil.example", "javascript:alert(1)", '"><script>', "q=" + "x" * 9000])
def test_what_came_in_the_address_leads_nowhere_else(
    officer_client: Client, three: list[Session], query: str
) -> None:
    html = page(officer_client, three[0], f"?from={quote(query, safe='')}")

    assert "<script>" not in html
    assert 'href="//' not in html
    assert "javascript:" not in html


def test_a_session_that_has_left_the_queue_has_no_neighbours(
    officer_client: Client, three: list[Session]
) -> None:
    again(three[1], "REJECTED")

    assert "Previous" not in page(officer_client, three[1])
