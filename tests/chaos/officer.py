"""One person of `tests.chaos.claims`, and what they do at the desk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from kyc import review
from kyc.models import Session, User
from kyc.review import BulkAct, acts

REFUSED = "refused"
BULK = (BulkAct.CLAIM, BulkAct.RELEASE, BulkAct.ASSIGN)


class Officer:
    """A person with a database connection of their own. What they hear is as `tests.chaos.claims` has it."""

    def __init__(self, place: int) -> None:
        self.people = list(User.objects.order_by("pk"))
        self.me = self.people[place]
        self.me.has_perm(acts.SUPERVISE)
        connection.ensure_connection()

    def act(self, phase: int, seconds: float, seed: int) -> list[str]:
        """Do what the phase is about, and return what one heard."""
        if phase < 2:
            return [heard(self._next)]
        sessions = list(Session.objects.in_review().values_list("pk", flat=True))
        if phase == 2:
            return [heard(lambda: review.claim(sessions[0], by=self.me))]
        return list(self._storm(sessions, seconds, Random(f"{seed} {self.me.pk}")))

    def leave(self) -> None:
        connection.close()

    def _storm(self, sessions: list[UUID], seconds: float, random: Random) -> Iterator[str]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name, act = random.choice([*self._anything(random, sessions), *self._with_ones_own()])
            said = heard(act)
            yield said if said.startswith("!") else f"{name}: {REFUSED if said == REFUSED else 'done'}"

    def _anything(self, random: Random, sessions: list[UUID]) -> list[tuple[str, Callable[[], Any]]]:
        me, to, session = self.me, random.choice(self.people), random.choice(sessions)
        some, act = random.sample(sessions, 3), random.choice(BULK)
        return [
            ("claim", lambda: review.claim(session, by=me)),
            ("claim next", self._next),
            ("release", lambda: review.release(session, by=me)),
            ("assign", lambda: review.assign(session, by=me, to=to)),
            ("ask", lambda: review.ask(session, by=me)),
            ("hand over", lambda: review.hand_over(session, by=me)),
            ("keep", lambda: review.keep(session, by=me)),
            ("renew", lambda: review.renew(session, by=me)),
            ("bulk", lambda: failures(review.each(act, some, by=me, to=to))),
        ]

    def _with_ones_own(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """By chance alone hardly anything would ever be given back or handed over."""
        for pk, asker in Session.objects.filter(assignee=self.me).values_list("pk", "asked_by"):
            if asker:
                yield "hand over", lambda pk=pk: review.hand_over(pk, by=self.me)  # type: ignore[misc]
                yield "keep", lambda pk=pk: review.keep(pk, by=self.me)  # type: ignore[misc]
            else:
                yield "release", lambda pk=pk: review.release(pk, by=self.me)  # type: ignore[misc]

    def _next(self) -> str:
        session = review.claim_next(Session.objects.in_review().due_first(), by=self.me)
        return str(session.pk) if session else ""


def heard(act: Callable[[], Any]) -> str:
    try:
        said = act()
    except (PermissionDenied, ValidationError):
        return REFUSED
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
        return f"!{type(error).__name__}: {error}"
    return said if isinstance(said, str) else ""


def failures(results: list[review.Result]) -> str:
    """Return the first result that is a failure of ours, and no refusal."""
    return next((f"!{result.words}" for result in results if "could not be changed" in result.words), "")
