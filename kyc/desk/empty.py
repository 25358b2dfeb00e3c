"""Why the list is empty: an empty queue must not be mistaken for an outage, nor a filter for an empty queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy, ngettext

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
        gettext_lazy("You hold no session"),
        gettext_lazy("Claim next takes the most urgent free one. What you claim is listed here."),
    ),
    View.FREE: (
        gettext_lazy("Nothing is left to claim"),
        gettext_lazy("What is in review is held by somebody, waits, or is for supervisors."),
    ),
    View.SUPERVISORS: (
        gettext_lazy("Nothing waits for supervisors"),
        gettext_lazy("Sessions that were escalated, are in dispute or brought a suspicion are listed here."),
    ),
    View.SECOND: (
        gettext_lazy("No decision waits for a second person"),
        gettext_lazy("Decisions that one person proposed and another has to confirm are listed here."),
    ),
    View.WAITING: (
        gettext_lazy("No session waits for a date"),
        gettext_lazy("Sessions that somebody put off, with a reason, are listed here until their date."),
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
            known = gettext("is not a session, user or related-party ID we have received.")
            return Empty(gettext("No session has this ID"), known, text, gettext("Clear search"))
        case Unknown():
            takes = gettext(
                "is no reason code in the queue. Search takes a session, user or related-party ID,"
                " the first 8 characters of one, or a whole reason code."
            )
            return Empty(gettext("Nothing matches this search"), takes, text, gettext("Clear search"))
        case Prefix() if not is_narrow:
            found = list(Session.objects.filter(meaning.holds).order_by("-state_since")[:MOST_ELSEWHERE])
            begins = gettext("begins the ID of no session, user or related party in review.")
            title = gettext("No session in review has this ID")
            return Empty(title, begins, text, gettext("Clear search"), found)
        case Prefix() | Code():
            clears = gettext("Clear search and filters")
            return Empty(gettext("No session matches"), _in_review(numbers), text, clears)
    if filters.is_narrow and filters.view:
        return Empty(
            gettext("No session of this view matches these filters"),
            gettext("Remove a filter to see more of the view."),
            action=gettext("Clear filters"),
            query=f"view={filters.view}",
        )
    if filters.is_narrow:
        title = gettext("No session matches these filters")
        return Empty(title, _in_review(numbers), action=gettext("Clear filters"))
    if filters.view and numbers.n_all:
        title, words = map(str, VIEWS[filters.view])
        return Empty(title, words, action=gettext("All in review"))
    return Empty(gettext("Nothing waits for review"), _quiet(numbers))


def _in_review(numbers: Stats) -> str:
    words = ngettext(
        "%(n)s session is in review. Remove a filter to see it.",
        "%(n)s sessions are in review. Remove a filter to see more.",
        numbers.n_all,
    )
    return words % {"n": capped(numbers.n_all)}


def _quiet(numbers: Stats) -> str:
    if numbers.last_delivery is None:
        return gettext("Ralio has not delivered anything yet. Sessions appear here as soon as it does.")
    ago = {"span": waited(numbers.last_delivery)}
    if numbers.is_silent:
        words = gettext(
            "New sessions are announced here. But deliveries have stopped: the last one came %(span)s ago."
        )
        return words % ago
    words = gettext(
        "New sessions are announced here. Deliveries still arrive: the last one came %(span)s ago."
    )
    return words % ago
