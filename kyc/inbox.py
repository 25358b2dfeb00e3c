"""How the inbox is: six figures, each against its threshold, from a bounded number of rows whatever the tables hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Left

from kyc.choices import AlarmKind, DeliverySource, DeliveryStatus, RefusalCause
from kyc.figures import FEW, Figure, Health, capped, counted, span
from kyc.models import Delivery, EventName, ReasonCode, RefusedRequest
from kyc.querysets import CAP
from kyc.rhythm import Rhythm, rhythm

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
# So many at once are no odd ones: a format of Ralio's has changed, or a part of ours is broken.
MANY_QUARANTINED = 10
MANY_FAILED = 100
# A try that is due is made within seconds while any worker runs.
LONGEST_OVERDUE = timedelta(minutes=15)
# By then a first repeat has come; and a share of fewer deliveries says nothing.
FIRST_REPEAT = timedelta(minutes=10)
FEWEST_DELIVERIES = 20
LONGEST_NAME = 60


def health(now: datetime) -> Health:
    """Return how the inbox is: silence, refused requests, quarantined and failed deliveries, novelties, repeats.

    A dozen statements, each of an index's end and none of more rows than a capped count; nothing is written.
    """
    heard = rhythm()
    figures = (
        _silence(now, heard),
        _refused(now, heard),
        _quarantined(now),
        _failed(now),
        _novelty(now, heard),
        _repeats(now),
    )
    return Health(now, figures)


def _silence(now: datetime, heard: Rhythm) -> Figure:
    if heard.last is None or heard.limit is None or heard.gap is None:
        return Figure(
            AlarmKind.SILENCE,
            value=f"{span(now - heard.last)} ago" if heard.last else "none yet",
            says="There are not enough deliveries yet to know how often they come.",
            threshold=f"Unwell after {settings.KYC_INBOX_SILENCE_GAPS} times the usual gap, once that is known.",
            is_known=False,
            since=heard.last,
        )
    silence, limit = max(now - heard.last, timedelta()), heard.limit
    when = "One" if heard.is_young else "At this time of the week one"
    why = (
        "for the desk has not seen a whole week yet"
        if heard.is_young
        else f"{settings.KYC_INBOX_SILENCE_GAPS} times the usual gap"
    )
    return Figure(
        AlarmKind.SILENCE,
        value=f"{span(silence)} ago",
        says=f"The last trusted delivery came {span(silence)} ago. {when} usually comes within {_short(heard.gap)}.",
        threshold=f"Unwell after {span(limit)} without one, {why}.",
        advice="Ask Ralio whether they still send, and look at their portal: is the webhook's address right, is it "
        "switched on? Then see whether requests reach this desk at all: wrong signatures show under refused requests.",
        is_well=silence <= limit,
        # Heard twice within the limit: one delivery alone is not the rhythm come back.
        is_calm=silence <= limit and heard.before is not None and now - heard.before <= limit,
        since=heard.last,
        numbers={
            "silent_s": _seconds(silence),
            "limit_s": _seconds(limit),
            "usual_gap_s": _seconds(heard.gap),
        },
    )


@dataclass(frozen=True, slots=True)
class _Refusals:
    """What the newest of the refused requests say of one cause."""

    n_hour: int = 0
    n_day: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


def _refused(now: datetime, heard: Rhythm) -> Figure:
    """Wrong signatures alarm from the first one on: after a rotation gone wrong each costs an event."""
    by_cause = _refusals(now)
    wrong = by_cause[RefusalCause.SIGNATURE_WRONG]
    n_all, n_day = (sum(getattr(one, name) for one in by_cause.values()) for name in ("n_hour", "n_day"))
    few, many = settings.KYC_INBOX_WRONG_SIGNATURES, settings.KYC_INBOX_REFUSED
    is_answered = wrong.newest is None or (heard.last is not None and heard.last > wrong.newest)
    parts = [f"{capped(one.n_hour)} {cause.label.lower()}" for cause, one in by_cause.items() if one.n_hour]
    says = f"{counted(n_all, 'request')} refused in the last hour{': ' if parts else ''}{', '.join(parts)}."
    if n_all > CAP:
        says = f"A flood: {says[0].lower()}{says[1:]}"
    elif n_day <= CAP:
        says = f"{says} In the day before: {counted(n_day, 'request')}."
    if wrong.newest and not is_answered:
        says = f"{says} No trusted delivery has come since the last wrong signature."
    return Figure(
        AlarmKind.REFUSED,
        value=f"{capped(n_all)} in the last hour",
        says=says,
        threshold=f"Unwell from {counted(few, 'wrong signature')} or {counted(many, 'refused request')} in an hour.",
        advice=_refused_advice(wrong, n_all, is_answered=is_answered),
        is_well=wrong.n_hour < few and n_all < many,
        # While Ralio may still be signing with a secret that we do not know, a quiet hour proves nothing.
        is_calm=is_answered and wrong.n_hour <= few // 2 and n_all <= many // 2,
        since=min((one.oldest for one in by_cause.values() if one.oldest), default=None),
        numbers={"last_hour": n_all, "day_before": n_day}
        | {f"last_hour_{cause.value}": one.n_hour for cause, one in by_cause.items()},
    )


def _refused_advice(wrong: _Refusals, n_all: int, *, is_answered: bool) -> str:
    if wrong.newest and not is_answered:
        return (
            "The secret may have changed at Ralio, and Ralio does not send these events again. Add the new secret to "
            "RALIO_WEBHOOK_SECRETS, then verify the refused requests again."
        )
    if n_all > CAP:
        return "Somebody floods the address. Nothing of it is trusted; limit it at the proxy in front of the desk."
    return (
        "Trusted deliveries still come, so Ralio's secret is known here. See who else sends; where it is Ralio, compare "
        "the secrets."
    )


def _refusals(now: datetime) -> dict[RefusalCause, _Refusals]:
    """Count the newest refused requests, but for those that were verified later."""
    in_an_hour = Q(received_at__gt=now - HOUR)
    rows = (
        RefusedRequest.objects.filter(
            pk__gte=_newest(RefusedRequest.objects.all()),
            received_at__gt=now - HOUR - DAY,
            delivery__isnull=True,
        )
        .values("cause")
        .annotate(
            n_hour=Count("pk", filter=in_an_hour),
            n_day=Count("pk", filter=~in_an_hour),
            oldest=Min("received_at", filter=in_an_hour),
            newest=Max("received_at"),
        )
    )
    found = {
        row["cause"]: _Refusals(row["n_hour"], row["n_day"], row["oldest"], row["newest"]) for row in rows
    }
    return {cause: found.get(cause, _Refusals()) for cause in RefusalCause}


def _waiting(status: DeliveryStatus, *columns: str) -> list[Any]:
    """Return the newest of the deliveries that wait in a status, up to one more than the cap; oldest first."""
    rows = Delivery.objects.filter(status=status).order_by("-id")
    return list(rows.values_list("pk", "received_at", *columns, named=True)[: CAP + 1])[::-1]


def _quarantined(now: datetime) -> Figure:
    """A quarantined delivery that a person has replayed, be it in vain, has been looked at."""
    rows = _waiting(DeliveryStatus.QUARANTINED, "n_replays")
    unseen = [row for row in rows if not row.n_replays]
    limit, n_unseen = settings.KYC_INBOX_QUARANTINED, len(unseen)
    is_old = bool(unseen) and now - unseen[0].received_at > limit
    says = "No delivery waits in quarantine."
    if rows:
        says = f"{counted(len(rows), 'delivery waits', 'deliveries wait')} in quarantine; "
        says += "each was replayed in vain."
    if unseen:
        says = says.replace(
            "each was replayed in vain.",
            f"{capped(n_unseen)} not replayed yet, the oldest from {span(now - unseen[0].received_at)} ago.",
        )
    return Figure(
        AlarmKind.QUARANTINED,
        value=f"{capped(len(rows))} waiting",
        says=says,
        threshold=f"Unwell when one waits for more than {span(limit)}, or {MANY_QUARANTINED} do, not replayed yet.",
        advice="See what is wrong with them. Ralio does not send them again: mend what does not fit, then replay. Once "
        "replayed they are no reason for an alarm any more.",
        is_well=not is_old and n_unseen < MANY_QUARANTINED,
        is_calm=not is_old and n_unseen <= MANY_QUARANTINED // 2,
        since=(unseen or rows)[0].received_at if rows else None,
        numbers={"waiting": len(rows), "not_replayed": n_unseen},
        delivery_ids=tuple(row.pk for row in (unseen or rows)[:FEW]),
    )


def _failed(now: datetime) -> Figure:
    """One that fails again and again alarms, and so does one that nobody tries again."""
    rows = _waiting(DeliveryStatus.FAILED, "n_tries", "next_try_at")
    most = settings.KYC_INBOX_FAILED_TRIES
    stuck = [row for row in rows if row.n_tries >= most or row.next_try_at is None]
    overdue = [row for row in rows if row.next_try_at and now - row.next_try_at > LONGEST_OVERDUE]
    says = "No delivery waits for another try."
    if rows:
        says = f"{counted(len(rows), 'delivery waits', 'deliveries wait')} to be applied, the oldest from "
        says += (
            f"{span(now - rows[0].received_at)} ago. Failed {counted(most, 'time')} or more, or for good: "
        )
        says += f"{capped(len(stuck))}."
    if overdue:
        says = f"{says} Should have been tried again by now: {capped(len(overdue))}. Is a worker running?"
    meant = stuck or overdue or rows
    return Figure(
        AlarmKind.FAILED,
        value=f"{capped(len(rows))} waiting",
        says=says,
        threshold=f"Unwell when one has failed {counted(most, 'time')}, {MANY_FAILED} wait, or one is not tried again in time.",
        advice="Ralio counts them as delivered, so they are ours to apply. See that a worker runs, read the error of the "
        "oldest, mend the cause, then replay.",
        is_well=not stuck and not overdue and len(rows) < MANY_FAILED,
        is_calm=not stuck and not overdue and len(rows) <= MANY_FAILED // 2,
        since=meant[0].received_at if meant else None,
        numbers={"waiting": len(rows), "stuck": len(stuck), "overdue": len(overdue)},
        delivery_ids=tuple(row.pk for row in meant[:FEW]),
    )


def _novelty(now: datetime, heard: Rhythm) -> Figure:
    """In a desk's first week all is new, and so it is in the first week of a catalogue."""
    names = _new(EventName.objects.all(), "name", now, heard)
    codes = _new(ReasonCode.objects.all(), "code", now, heard)
    both = [*names, *codes]
    is_known = heard.first is not None and now - heard.first >= WEEK
    says = f"{counted(len(names), 'event name')} and {counted(len(codes), 'reason code')} came for the first time in the "
    return Figure(
        AlarmKind.NOVELTY,
        value=f"{capped(len(both))} this week",
        says=f"{says}last 7 days." if is_known else "The desk is younger than a week: all is new.",
        threshold="Unwell from the first one on.",
        advice="See what they mean. Give a new code its label, and say whether a subject may be told; an event name that "
        "is not known here is kept, but changes no session.",
        is_well=not both,
        is_calm=not both,
        is_known=is_known,
        since=min((row.first_seen_at for row in both), default=None),
        numbers={"event_names": len(names), "codes": len(codes)},
        code_ids=tuple(row.pk for row in codes[:FEW]),
        event_name_ids=tuple(row.pk for row in names[:FEW]),
        names=tuple(_readable(row.said) for row in (*names[:FEW], *codes[:FEW])),
    )


def _new(rows: QuerySet[Any], column: str, now: datetime, heard: Rhythm) -> list[Any]:
    """Return what came for the first time in the last week, but not in the desk's or the catalogue's first one."""
    oldest = rows.order_by("pk").values_list("first_seen_at", flat=True).first()
    if oldest is None or heard.first is None:
        return []
    since = max(now - WEEK, oldest + WEEK, heard.first + WEEK)
    # Among the newest by key, for a catalogue grows in that order.
    found = rows.filter(pk__gte=_newest(rows), first_seen_at__gt=since).order_by("-pk")
    said = Left(column, LONGEST_NAME + 1)
    return list(found.annotate(said=said).values_list("pk", "first_seen_at", "said", named=True)[: CAP + 1])


def _newest(rows: QuerySet[Any]) -> Coalesce:
    """Return where the newest rows begin, as many as a capped count takes."""
    return Coalesce(Subquery(rows.order_by("-pk").values("pk")[CAP : CAP + 1]), Value(0))


def _repeats(now: datetime) -> Figure:
    """Judge the newest that are old enough to have come again: a bounded sample, whatever the rate."""
    sample = (
        Delivery.objects.filter(
            source=DeliverySource.WEBHOOK, received_at__gt=now - DAY, received_at__lte=now - FIRST_REPEAT
        )
        .order_by("-received_at")
        .values("pk", "n_repeats")[:CAP]
    )
    counts = sample.aggregate(n_all=Count("pk"), n_again=Count("pk", filter=Q(n_repeats__gt=0)))
    n_all, n_again = counts["n_all"], counts["n_again"]
    most, percent = settings.KYC_INBOX_REPEATS_PERCENT, 100 * n_again / n_all if n_all else 0
    is_known = n_all >= FEWEST_DELIVERIES
    of = (
        f"the newest {counted(n_all, 'delivery', 'deliveries')}"
        if n_all == CAP
        else f"{counted(n_all, 'delivery', 'deliveries')}"
    )
    return Figure(
        AlarmKind.REPEATS,
        value=f"{percent:.0f}% of the last day",
        says=f"Of {of} of the last day {capped(n_again)} came again."
        if is_known
        else f"Fewer than {FEWEST_DELIVERIES} deliveries came in the last day: too few to tell.",
        threshold=f"Unwell from {most}% on.",
        advice="Ralio sends again what it has no answer to. See whether this desk answers slowly or with errors, and "
        "whether a proxy in front of it cuts answers off.",
        is_well=not is_known or percent < most,
        is_calm=not is_known or percent <= most / 2,
        is_known=is_known,
        numbers={"deliveries": n_all, "came_again": n_again},
    )


def _readable(text: str) -> str:
    """Return a name from the wire as one short line that shows all that is in it."""
    line = "".join(char if char.isprintable() else "·" for char in text[: LONGEST_NAME + 1])
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def _short(length: timedelta) -> str:
    """Write a usual gap, which may be seconds."""
    return f"{_seconds(length)}s" if length < timedelta(minutes=2) else span(length)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
