"""Ask Ralio's API what waits to be asked. Any number of workers may do so; one that is killed loses nothing.

1. Claim: due enquiries come under a lease, and that is committed.
2. Ask: outside any transaction, so that a slow API holds no row.
3. Keep what was answered, as a delivery of source `api`, then settle the enquiry if the lease is still ours.

A lease that ended is taken up by the next worker. The same answer twice is one delivery, for its event id is made from
its content.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kyc import ingestion, tracing
from kyc.choices import DeliverySource, EnquiryStatus, SessionState
from kyc.models import Delivery, Enquiry
from kyc.ralio import answers
from kyc.ralio.client import ApiError, Client, Unreachable, shared

logger = logging.getLogger(__name__)

BATCH = 10
# Longer than one batch can take.
LEASE = timedelta(minutes=15)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(days=1)
# With the delays above: about six days. A session lives for seven.
MOST_TRIES = 16
# One question is one try here: the next one is the enquiry's own, and by then other enquiries had their turn.
N_TRIES = 1


class NobodyToAskAbout(Exception):
    """The session is no user's by now, and the API knows of users only."""


def answer_due(limit: int = BATCH, *, is_wanted: Callable[[], bool] = lambda: True) -> Counter[str]:
    """Ask for one batch of what is due and return how many came to what; an empty count means nothing was due.

    When `is_wanted` turns false the question in hand is finished and the rest is given back.
    """
    if not settings.RALIO_API_URL:
        return Counter()
    rows = claim(limit)
    client = shared(settings.RALIO_API_URL, settings.RALIO_API_CODE, settings.RALIO_API_KEY, N_TRIES)
    tally: Counter[str] = Counter()
    fault: Unreachable | None = None
    for row in rows:
        if not is_wanted():
            _held(row).update(leased_until=None)
            continue
        with tracing.about(enquiry=row.pk, delivery=row.delivery_id):
            said, fault = _tried(row, client, fault)
        tally[said] += 1
    return tally


def _tried(row: Enquiry, client: Client, fault: Unreachable | None) -> tuple[str, Unreachable | None]:
    """Ask about one, unless the API could not be reached for the one before. Return what it came to, and that again."""
    try:
        if fault is not None:
            raise fault
        return _settled(row, _asked(row, client)), None
    except ApiError as error:
        return _failed(row, error), error if isinstance(error, Unreachable) else None
    except NobodyToAskAbout:
        return _gave_up(row, "The session is no user's."), fault
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - one that goes wrong by itself must not stop the others
        return _failed(row, error), fault


def claim(limit: int) -> list[Enquiry]:
    """Take due enquiries into our hands, most overdue first, and commit that."""
    now = timezone.now()
    is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Enquiry.objects.filter(is_free, status=EnquiryStatus.WAITING, next_try_at__lte=now)
    # Reading first: on SQLite the transaction below takes the one write lock.
    if not due.exists():
        return []
    with transaction.atomic():
        rows = list(due.select_for_update(skip_locked=True).order_by("next_try_at")[:limit])
        Enquiry.objects.filter(pk__in=[row.pk for row in rows]).update(leased_until=now + LEASE)
    for row in rows:
        row.leased_until = now + LEASE
    return rows


def backoff(n_tries: int) -> timedelta:
    """Return how long to wait after the n-th failed try: a minute, doubled each time up to a day, less up to a fifth."""
    longest: timedelta = min(FIRST_RETRY * 2 ** min(n_tries - 1, 20), LONGEST_RETRY)
    return longest * random.uniform(0.8, 1.0)  # noqa: S311 - what failed together should not come back at once


def _held(row: Enquiry) -> QuerySet[Enquiry]:
    """Return the row while it is still in our hands: the end of the lease is the token, for no later one is the same."""
    return Enquiry.objects.filter(
        pk=row.pk, status=EnquiryStatus.WAITING, leased_until=row.leased_until, leased_until__isnull=False
    )


def _asked(row: Enquiry, client: Client) -> Delivery | None:
    """Ask, keep what was answered and return its delivery; None when the API knows of no checks."""
    event = Delivery.objects.select_related("session").get(pk=row.delivery_id)
    session = event.session
    if session is None or session.user_id is None or event.event_at is None:
        raise NobodyToAskAbout
    said = client.checks(session.user_id, session.pk)
    if said is None:
        return None
    body = answers.checks_body(
        said,
        session_id=session.pk,
        user_id=session.user_id,
        state=SessionState(event.session_state),
        at=event.event_at,
    )
    return ingestion.receive(body, {}, source=DeliverySource.API).delivery


def _settled(row: Enquiry, answer: Delivery | None) -> str:
    return _finished(row, EnquiryStatus.ANSWERED, "answered" if answer else "without checks", answer=answer)


def _failed(row: Enquiry, error: Exception) -> str:
    """Record a failed try: another one follows, later each time, until the last."""
    # Only our own words are free of personal data.
    said = f"{error}." if isinstance(error, ApiError) else f"{type(error).__name__}."
    retry_after = error.retry_after if isinstance(error, ApiError) else None
    if row.n_tries + 1 >= MOST_TRIES:
        return _gave_up(row, said)
    wait = max(
        backoff(row.n_tries + 1), timedelta(seconds=min(retry_after or 0, LONGEST_RETRY.total_seconds()))
    )
    logger.info("Enquiry %s: %s", row.pk, said)
    is_ours = _held(row).update(
        n_tries=row.n_tries + 1, error=said, next_try_at=timezone.now() + wait, leased_until=None
    )
    return "failed" if is_ours else "lost"


def _gave_up(row: Enquiry, error: str) -> str:
    logger.warning("Enquiry %s is given up: %s", row.pk, error)
    return _finished(row, EnquiryStatus.GAVE_UP, "given up", error=error)


def _finished(
    row: Enquiry, status: EnquiryStatus, word: str, *, answer: Delivery | None = None, error: str = ""
) -> str:
    is_ours = _held(row).update(
        status=status,
        n_tries=row.n_tries + 1,
        next_try_at=None,
        leased_until=None,
        error=error,
        answer=answer,
    )
    return word if is_ours else "lost"
