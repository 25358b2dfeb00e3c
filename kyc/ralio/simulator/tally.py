"""What became of each post, and of all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kyc.ralio.simulator.promises import FORGED, Outcome, is_failure
from kyc.ralio.simulator.wire import Event


@dataclass(frozen=True, slots=True)
class Settled:
    """How one post ended. `status` is that of the answer that ended it, None when given up; `met` are those before."""

    event: Event
    outcome: Outcome
    status: int | None = None
    met: tuple[int, ...] = ()
    is_as_promised: bool = True

    @property
    def is_unacknowledged(self) -> bool:
        """Return True when Ralio would have lost the event."""
        if self.event.promise in FORGED:
            return False
        is_refused = self.outcome == Outcome.REFUSED and not self.is_as_promised
        return is_refused or self.outcome == Outcome.GIVEN_UP

    @property
    def is_wrong(self) -> bool:
        """Return True when an answer came that the contract does not promise, though no event was lost by it."""
        if self.is_as_promised or self.is_unacknowledged:
            return False
        # What nobody answered was not answered wrongly.
        return self.outcome != Outcome.GIVEN_UP or any(map(is_failure, self.met))


@dataclass(slots=True)
class Tally:
    """What became of the events. Each one posted is accepted, a duplicate, quarantined, refused or given up."""

    n_sent: int = 0
    n_accepted: int = 0
    n_duplicates: int = 0
    n_quarantined: int = 0
    n_refused: Counter[int] = field(default_factory=Counter)
    n_retries: int = 0
    n_retried: Counter[int] = field(default_factory=Counter)
    n_given_up: int = 0
    n_unacknowledged: int = 0
    n_wrong: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    def add(self, settled: Settled) -> None:
        self.n_accepted += settled.outcome == Outcome.ACCEPTED
        self.n_duplicates += settled.outcome == Outcome.DUPLICATE
        self.n_quarantined += settled.outcome == Outcome.QUARANTINED
        self.n_given_up += settled.outcome == Outcome.GIVEN_UP
        if settled.outcome == Outcome.REFUSED and settled.status is not None:
            self.n_refused[settled.status] += 1
        self.n_retried.update(settled.met)
        self.n_unacknowledged += settled.is_unacknowledged
        self.n_wrong += settled.is_wrong
        if settled.event.trial and not settled.is_as_promised:
            answers = ", ".join(str(status) for status in (*settled.met, settled.status or "nothing"))
            self.wrong[f"{settled.event.trial}: promised {settled.event.promise}, answered {answers}"] += 1

    def lines(self) -> list[str]:
        counts = {
            "sent": self.n_sent,
            "  accepted": self.n_accepted,
            "  duplicates": self.n_duplicates,
            "  quarantined": self.n_quarantined,
            **{f"  refused with {status}": n for status, n in sorted(self.n_refused.items())},
            "  given up": self.n_given_up,
            "tried again": self.n_retries,
            **{f"  after a {status}": n for status, n in sorted(self.n_retried.items())},
            "not as promised": self.n_wrong,
        }
        lines = [f"{name:<20}{count:>8,}" for name, count in counts.items()]
        return lines + [f"  {what} ({n} times)" for what, n in self.wrong.most_common(20)]
