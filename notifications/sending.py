"""Send what is due. Any number of workers may do so at once; one that is killed at any instant loses nothing.

1. Claim: a batch of due rows of one channel comes under a lease with a token, and that is committed.
2. Judge: which of them still say what is so, and to whom.
3. Send: outside any transaction, in threads of the channel's own, while the next message is written.
4. Record, in small groups: the tries and what came of them, if the token is still ours.

A lease that ended without a record is taken up by the next worker. The message may then leave twice, under the same
Message-ID; it is never lost.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from notifications import channels, contents, leases, outbox, recording
from notifications.channels import NotSent, Refused, Unreachable
from notifications.choices import AttemptOutcome, Status
from notifications.judging import judge
from notifications.messages import compose
from notifications.models import Attempt, Notification
from notifications.outgoing import Answer, Outgoing, Parcel, Untried
from notifications.recipients import Addressee
from notifications.recording import Outcome

logger = logging.getLogger(__name__)

BATCH = 500
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(days=1)
# With the delays above: about six days.
MOST_TRIES = 16
FIRST, AGAIN = Q(n_attempts=0), Q(n_attempts__gt=0)
# Of a message whose decision may still be undone.
PUT_OFF = "put off"
# A worker that is killed has sent so many messages without a record of it, or for so many seconds: not more.
MOST_UNRECORDED = 100
LONGEST_UNRECORDED = 1.0
# Seconds after which a message that has not left is judged anew.
TRUE_FOR = 2.0


def send_due(
    limit: int = BATCH,
    *,
    channel: str | None = None,
    tries: Q | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Send one batch of what is due, of one channel or of each in turn, and return how many came to which status.

    With `tries`, only what is tried for the FIRST time or AGAIN: what hung once then keeps only its like waiting.

    An empty count means that nothing was due. When `is_wanted` turns false the message in hand is finished and the rest
    is given back.
    """
    if channel is not None:
        return _send_through(channel, limit, tries, is_wanted)
    tallies = [_send_through(name, limit, tries, is_wanted) for name in channels.configured()]
    # To look for the others costs the more the more is due.
    return sum(tallies, Counter()) or fail_strays(limit)


def fail_strays(limit: int = BATCH) -> Counter[str]:
    """Let what was written for a channel that has been taken out of the settings fail for all to see."""
    rows = leases.claim(limit, ~Q(channel__in=channels.configured()))
    unknown = [NotSent(f"No channel {row.channel} is set up.") for row in rows]
    return recording.record(
        [_failed(Answer(row, error=error)) for row, error in zip(rows, unknown, strict=True)]
    )


def backoff(n_attempts: int) -> timedelta:
    """Return how long to wait after the n-th failed try: a minute, doubled each time up to a day, less up to a fifth."""
    longest: timedelta = min(FIRST_RETRY * 2 ** min(n_attempts - 1, 20), LONGEST_RETRY)
    # Rows that failed together should not all come back at once.
    return longest * random.uniform(0.8, 1.0)  # noqa: S311


def _send_through(name: str, limit: int, tries: Q | None, is_wanted: Callable[[], bool]) -> Counter[str]:
    rows = leases.claim(limit, Q(channel=name) & (tries or Q()))
    if not rows:
        return Counter()
    batch, outgoing = Batch(rows), Outgoing(channels.configured()[name], is_wanted)
    try:
        with outgoing:
            batch.send(outgoing, is_wanted)
    finally:
        batch.close(outgoing)
    return batch.tally


class Batch:
    """Rows of one claim on their way: waiting to be judged, ready to leave, under way, or done and to be recorded."""

    def __init__(self, rows: Iterable[Notification]) -> None:
        self.tally: Counter[str] = Counter()
        self._in_hands: dict[UUID, Notification] = {row.pk: row for row in rows}
        self._waiting = list(self._in_hands.values())
        self._ready: deque[tuple[Notification, Addressee]] = deque()
        self._true_until = 0.0
        self._done: list[Outcome] = []
        self._done_since = 0.0

    def send(self, outgoing: Outgoing, is_wanted: Callable[[], bool]) -> None:
        """Send the batch; what may not leave is dealt with, and what is not wanted any more is given back."""
        while self._waiting or self._ready or outgoing.n_under_way:
            if not is_wanted():
                self._give_back_the_rest()
            self._hold()
            if (self._waiting or self._ready) and outgoing.has_room:
                self._put_next(outgoing)
            self._take(outgoing)
            self._record_in_time()

    def close(self, outgoing: Outgoing) -> None:
        """Record what was done, and give the rest back, also when something went wrong on the way."""
        self._take_answers(outgoing, 0.0)
        self._record()
        self._give_back_the_rest()

    def _hold(self) -> None:
        """Renew our leases; what another worker has taken up meanwhile is left to it."""
        taken = {row.pk for row in leases.renew(list(self._in_hands.values()))}
        if taken:
            self.tally[recording.LOST] += len([row for row in self._unsent() if row.pk in taken])
            self._waiting = [row for row in self._waiting if row.pk not in taken]
            self._ready = deque(pair for pair in self._ready if pair[0].pk not in taken)
            self._forget(taken)

    def _unsent(self) -> list[Notification]:
        return [*self._waiting, *(row for row, _ in self._ready)]

    def _forget(self, pks: Iterable[UUID]) -> None:
        for pk in pks:
            self._in_hands.pop(pk, None)

    def _put_next(self, outgoing: Outgoing) -> None:
        """Write the next message and hand it over; judge all that is left first, unless that was a moment ago."""
        if self._waiting or time.monotonic() > self._true_until:
            self._judge()
        if not self._ready:
            return
        row, addressee = self._ready.popleft()
        try:
            message = compose(row, addressee)
        except Exception as error:  # noqa: BLE001 - one message that cannot be written must not stop the others
            self._add(_failed(Answer(row, error=error)))
        else:
            outgoing.put(Parcel(row, message, self._true_until))

    def _judge(self) -> None:
        rows = [*(row for row, _ in self._ready), *self._waiting]
        self._true_until = time.monotonic() + TRUE_FOR
        judged = judge(rows, self._end)
        self._waiting, self._ready = [], deque(judged.leaves)
        contents.read_ahead(row for row, _ in judged.leaves)
        self.tally += Counter({PUT_OFF: len(judged.put_off)})
        self._forget(row.pk for row in judged.put_off)
        for row in judged.unreachable:
            self.tally[recording.wait(row)] += 1
        self._forget(row.pk for row in judged.unreachable)
        for row, error in judged.unclear:
            self._add(_failed(Answer(row, error=error)))
        for outcome in judged.settled:
            self._add(outcome)

    def _take(self, outgoing: Outgoing) -> None:
        """Take what answers there are, and wait for one where there is nothing else to do."""
        has_work = (self._waiting or self._ready) and outgoing.has_room
        self._take_answers(outgoing, 0.0 if has_work or not outgoing.n_under_way else LONGEST_UNRECORDED)
        outgoing.look_after()

    def _take_answers(self, outgoing: Outgoing, within: float) -> None:
        while answer := outgoing.answer(within):
            within = 0.0
            if isinstance(answer.error, Untried):
                self._waiting.append(answer.row)
                continue
            self._add(_sent(answer) if answer.error is None else _failed(answer))
            if isinstance(answer.error, Unreachable):
                self._fail_the_rest(answer.error)

    def _fail_the_rest(self, error: Unreachable) -> None:
        """No other message need be tried through the channel now."""
        for row in self._unsent():
            self._add(_failed(Answer(row, error=error)))
        self._waiting, self._ready = [], deque()

    def _give_back_the_rest(self) -> None:
        rest = self._unsent()
        leases.give_back(rest)
        self._waiting, self._ready = [], deque()
        self._forget(row.pk for row in rest)

    def _add(self, outcome: Outcome) -> None:
        if not self._done:
            self._done_since = time.monotonic()
        self._done.append(outcome)

    def _record_in_time(self) -> None:
        is_time = time.monotonic() - self._done_since >= LONGEST_UNRECORDED
        if len(self._done) >= MOST_UNRECORDED or (self._done and is_time):
            self._record()

    def _record(self) -> None:
        done, self._done = self._done, []
        self._end(done)

    def _end(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            self.tally += recording.record(outcomes)
            self._forget(outcome.row.pk for outcome in outcomes)


def _sent(answer: Answer) -> Outcome:
    return recording.sent(answer.row, _attempt(answer, AttemptOutcome.SENT, answer.text))


def _failed(answer: Answer) -> Outcome:
    """Return the outcome of a failed try: another one follows, unless it was refused or had its share of tries."""
    row, error = answer.row, answer.error
    # Only a channel's own words are free of personal data.
    said = str(error) if isinstance(error, NotSent) else f"Not sent: {type(error).__name__}."
    is_refused = isinstance(error, Refused)
    attempt = _attempt(answer, AttemptOutcome.REFUSED if is_refused else AttemptOutcome.FAILED, said)
    n_attempts = row.n_attempts + 1
    columns = {"n_attempts": n_attempts, "last_error": said}
    if is_refused or n_attempts >= MOST_TRIES:
        return Outcome(row, Status.GAVE_UP, Status.GAVE_UP.value, attempt, columns=columns)
    columns["next_attempt_at"] = outbox.not_too_soon(answer.at + backoff(n_attempts))
    return Outcome(row, Status.PENDING, attempt.outcome, attempt, columns=columns)


def _attempt(answer: Answer, outcome: AttemptOutcome, said: str) -> Attempt:
    return Attempt(notification=answer.row, at=answer.at, outcome=outcome, answer=said)
