"""Compare the sessions of known users with Ralio's API, and bring in what was missed."""

from __future__ import annotations

import json
import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kyc import reconciling
from kyc.ralio.client import ApiError, Client, Unreachable
from kyc.ralio.events import instant
from kyc.reconciling import Difference, Kind

WORDS = {
    Kind.UNKNOWN_SESSION: "never heard of",
    Kind.MISSED_STATE: "missed",
    Kind.LACKING_CHECKS: "checks lacking",
    Kind.UNKNOWN_WORD: "a state that this desk does not know",
    Kind.REOPENED: "reopened at Ralio; only its webhook brings a session back to the queue",
}
_SECONDS_BETWEEN_LINES = 5.0


@dataclass(slots=True)
class Tally:
    """What came of it so far."""

    n_users: int = 0
    n_differences: int = 0
    n_repaired: int = 0
    n_unanswered: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    last_user: UUID | None = None

    @property
    def is_clean(self) -> bool:
        return self.n_differences == self.n_repaired and not self.n_unanswered

    def count(self, difference: Difference) -> None:
        self.n_differences += 1
        self.n_repaired += difference.is_repaired
        self.kinds[difference.kind.value] += 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "users": self.n_users,
            "differences": self.n_differences,
            "repaired": self.n_repaired,
            "users_without_answer": self.n_unanswered,
            "kinds": dict(sorted(self.kinds.items())),
        }


class Command(BaseCommand):
    help = (
        "Compare the sessions of every known user with Ralio's API: sessions never heard of, states missed, checks"
        " lacking. Only reports, unless --repair brings them in. Exits with 1 when a difference is left. Related parties"
        " are beyond the API."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        option = parser.add_argument
        option(
            "--user", type=_uuid, action="append", default=[], help="Only this user's id; may be repeated."
        )
        option(
            "--since", type=_since, help="Only what happened from then on: a date, or a time with its offset."
        )
        option("--after", type=_uuid, help="Go on after this user's id, where an earlier run stopped.")
        option("--repair", action="store_true", help="Bring in what is missing, one transaction each.")
        option("--json", action="store_true", help="One JSON object per line; the last one is the summary.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.RALIO_API_URL:
            raise CommandError("RALIO_API_URL, RALIO_API_CODE and RALIO_API_KEY are not set.")
        self.is_json, self.tally = options["json"], Tally(last_user=options["after"])
        client = Client(settings.RALIO_API_URL, settings.RALIO_API_CODE, settings.RALIO_API_KEY)
        users: Iterable[UUID] = options["user"] or reconciling.users(options["since"], after=options["after"])
        try:
            self.compare(client, users, since=options["since"], is_repairing=options["repair"])
        except KeyboardInterrupt:
            raise CommandError(self.stopped("Stopped."), returncode=130) from None
        except Unreachable as error:
            raise CommandError(self.stopped(f"{error}.")) from None
        finally:
            client.close()
        self.summarise()

    def compare(
        self, client: Client, users: Iterable[UUID], *, since: datetime | None, is_repairing: bool
    ) -> None:
        """Compare user by user. Who cannot be compared is named and passed over; an API that is away ends it."""
        shown_at = time.monotonic()
        for user_id in users:
            try:
                for difference in reconciling.differences(
                    client, user_id, since=since, is_repairing=is_repairing
                ):
                    self.tally.count(difference)
                    self.show(difference)
            except Unreachable:
                raise
            except ApiError as error:
                self.pass_over(user_id, error)
            self.tally.n_users += 1
            self.tally.last_user = user_id
            if time.monotonic() - shown_at > _SECONDS_BETWEEN_LINES:
                shown_at = time.monotonic()
                self.stderr.write(
                    f"{self.tally.n_users:,} users compared, {self.tally.n_differences:,} differences."
                )

    def show(self, difference: Difference) -> None:
        if self.is_json:
            self.line(
                kind=difference.kind.value,
                user=str(difference.user_id),
                session=str(difference.session_id),
                state=difference.state,
                at=difference.at.isoformat(),
                repaired=difference.is_repaired,
            )
            return
        words = f"{difference.state} of {difference.at:%Y-%m-%d %H:%M:%S} UTC, {WORDS[difference.kind]}"
        done = ", repaired" if difference.is_repaired else ""
        self.stdout.write(f"session {difference.session_id}: {words.strip()}{done}")

    def pass_over(self, user_id: UUID, error: ApiError) -> None:
        """Name a user about whom the API said nothing to compare with."""
        self.tally.n_unanswered += 1
        if self.is_json:
            self.line(kind="unanswered", user=str(user_id), error=str(error))
        else:
            self.stdout.write(f"user {user_id}: {error}")

    def stopped(self, why: str) -> str:
        if self.is_json:
            self.line(summary=self.tally.as_dict(), stopped=True)
        after = f" Go on with --after={self.tally.last_user}." if self.tally.last_user else ""
        return f"{why} {self.said()}{after}"

    def summarise(self) -> None:
        if self.is_json:
            self.line(summary=self.tally.as_dict(), stopped=False)
        if not self.tally.is_clean:
            raise CommandError(self.said())
        if not self.is_json:
            self.stdout.write(self.said())

    def said(self) -> str:
        tally = self.tally
        words = [
            _counted(tally.n_users, "user") + " compared",
            _counted(tally.n_differences, "difference"),
            f"{tally.n_repaired:,} repaired",
        ]
        if tally.n_unanswered:
            words.append(f"no answer about {_counted(tally.n_unanswered, 'user')}")
        return f"{', '.join(words)}."

    def line(self, **said: Any) -> None:
        self.stdout.write(json.dumps(said, separators=(",", ":")))


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a UUID.") from None


def _since(text: str) -> datetime:
    """Return a date's first instant in UTC, or an instant with its offset."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        at = instant(text)
    if at is None:
        raise ArgumentTypeError(f"{text!r} is neither a date nor a time with its offset from UTC.")
    return at
