"""Why the list is empty: an empty queue must not be mistaken for an outage, nor a filter for an empty queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kyc.desk.asking import Asked
from kyc.desk.search import Code, Prefix, Unknown
from kyc.desk.stats import Stats
from kyc.desk.views import View
from kyc.models import Session
from kyc.templatetags.desk import capped, waited

# How many sessions outside the queue are offered when the search finds none in it.
MOST_ELSEWHERE = 5

VIEWS = {
    View.MINE: (
        "You hold no session",
        "Claim next takes the most urgent free one. What you claim is listed here.",
    ),
    View.FREE: (
        "Nothing is left to claim",
        "What is in review is held by somebody, waits, or is for supervisors.",
    ),
    View.SUPERVISORS: (
        "Nothing waits for supervisors",
        "Sessions that were escalated, are in dispute or brought a suspicion are listed here.",
    ),
    View.SECOND: (
        "No decision waits for a second person",
        "Decisions that one person proposed and another has to confirm are listed here.",
    ),
    View.WAITING: (
        "No session waits for a date",
        "Sessions that somebody put off, with a reason, are listed here until their date.",
    ),
}


@dataclass(frozen=True, slots=True)
class Empty:
    """The words of an empty list; `action` clears what emptied it, and leads to `query`.

    `elsewhere` lists sessions outside the queue.
    """

    title: str
    text: str
    searched: str = ""
    action: str = ""
    elsewhere: Sequence[Session] = ()
    query: str = ""


def why(asked: Asked, numbers: Stats) -> Empty:
    """Return the words for a list without rows. One query, only after the beginning of an ID."""
    text, meaning, filters = asked.text, asked.meaning, asked.filters
    is_narrow = bool(filters.is_narrow or filters.view)
    match meaning:
        case Unknown(is_id=True):
            known = "is not a session, user or related-party ID we have received."
            return Empty("No session has this ID", known, text, "Clear search")
        case Unknown():
            takes = (
                "is no reason code in the queue. Search takes a session, user or related-party ID,"
                " the first 8 characters of one, or a whole reason code."
            )
            return Empty("Nothing matches this search", takes, text, "Clear search")
        case Prefix() if not is_narrow:
            found = list(Session.objects.filter(meaning.holds).order_by("-state_since")[:MOST_ELSEWHERE])
            begins = "begins the ID of no session, user or related party in review."
            return Empty("No session in review has this ID", begins, text, "Clear search", found)
        case Prefix() | Code():
            return Empty("No session matches", _in_review(numbers), text, "Clear search and filters")
    if filters.is_narrow and filters.view:
        return Empty(
            "No session of this view matches these filters",
            "Remove a filter to see more of the view.",
            action="Clear filters",
            query=f"view={filters.view}",
        )
    if filters.is_narrow:
        return Empty("No session matches these filters", _in_review(numbers), action="Clear filters")
    if filters.view and numbers.n_all:
        return Empty(*VIEWS[filters.view], action="All in review")
    return Empty("Nothing waits for review", _quiet(numbers))


def _in_review(numbers: Stats) -> str:
    if numbers.n_all == 1:
        return "1 session is in review. Remove a filter to see it."
    return f"{capped(numbers.n_all)} sessions are in review. Remove a filter to see more."


def _quiet(numbers: Stats) -> str:
    if numbers.last_delivery is None:
        return "Ralio has not delivered anything yet. Sessions appear here as soon as it does."
    ago = waited(numbers.last_delivery)
    if numbers.is_silent:
        return f"New sessions are announced here. But deliveries have stopped: the last one came {ago} ago."
    return f"New sessions are announced here. Deliveries still arrive: the last one came {ago} ago."
