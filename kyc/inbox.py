"""How the inbox is: six figures, each against its threshold, from a bounded number of rows whatever the tables hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Left
from django.utils.translation import gettext, ngettext, pgettext

from kyc.choices import AlarmKind, DeliverySource, DeliveryStatus, RefusalCause
from kyc.figures import FEW, Figure, Health, Words, capped, span
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
            AlarmKind.SILENCE, lambda: _unknown_rhythm(now, heard.last), is_known=False, since=heard.last
        )
    silence, limit = max(now - heard.last, timedelta()), heard.limit
    gap, is_young = heard.gap, heard.is_young
    return Figure(
        AlarmKind.SILENCE,
        lambda: _silence_words(silence, limit, gap, is_young=is_young),
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


def _unknown_rhythm(now: datetime, last: datetime | None) -> Words:
    threshold = gettext("Unwell after %(times)s times the usual gap, once that is known.")
    return Words(
        value=_ago(now - last) if last else pgettext("delivery", "none yet"),
        says=gettext("There are not enough deliveries yet to know how often they come."),
        threshold=threshold % {"times": settings.KYC_INBOX_SILENCE_GAPS},
    )


def _silence_words(silence: timedelta, limit: timedelta, gap: timedelta, *, is_young: bool) -> Words:
    says = (
        gettext("The last trusted delivery came %(silence)s ago. One usually comes within %(gap)s.")
        if is_young
        else gettext(
            "The last trusted delivery came %(silence)s ago. "
            "At this time of the week one usually comes within %(gap)s."
        )
    )
    threshold = (
        gettext("Unwell after %(limit)s without one, for the desk has not seen a whole week yet.")
        if is_young
        else gettext("Unwell after %(limit)s without one, %(times)s times the usual gap.")
    )
    return Words(
        value=_ago(silence),
        says=says % {"silence": span(silence), "gap": _short(gap)},
        threshold=threshold % {"limit": span(limit), "times": settings.KYC_INBOX_SILENCE_GAPS},
        advice=gettext(
            "Ask Ralio whether they still send, and look at their portal: is the webhook's address right, is it "
            "switched on? Then see whether requests reach this desk at all: wrong signatures show under refused "
            "requests."
        ),
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
    return Figure(
        AlarmKind.REFUSED,
        lambda: _refused_words(by_cause, n_all, n_day, is_answered=is_answered),
        is_well=wrong.n_hour < few and n_all < many,
        # While Ralio may still be signing with a secret that we do not know, a quiet hour proves nothing.
        is_calm=is_answered and wrong.n_hour <= few // 2 and n_all <= many // 2,
        since=min((one.oldest for one in by_cause.values() if one.oldest), default=None),
        numbers={"last_hour": n_all, "day_before": n_day}
        | {f"last_hour_{cause.value}": one.n_hour for cause, one in by_cause.items()},
    )


def _refused_words(
    by_cause: Mapping[RefusalCause, _Refusals], n_all: int, n_day: int, *, is_answered: bool
) -> Words:
    few, many = settings.KYC_INBOX_WRONG_SIGNATURES, settings.KYC_INBOX_REFUSED
    wrong = ngettext("%(n)s wrong signature", "%(n)s wrong signatures", few) % {"n": capped(few)}
    refused = ngettext("%(n)s refused request", "%(n)s refused requests", many) % {"n": capped(many)}
    is_open = bool(by_cause[RefusalCause.SIGNATURE_WRONG].newest) and not is_answered
    return Words(
        value=gettext("%(n)s in the last hour") % {"n": capped(n_all)},
        says=" ".join(_refused_says(by_cause, n_all, n_day, is_open=is_open)),
        threshold=gettext("Unwell from %(wrong)s or %(refused)s in an hour.")
        % {"wrong": wrong, "refused": refused},
        advice=_refused_advice(n_all, is_open=is_open),
    )


def _refused_says(
    by_cause: Mapping[RefusalCause, _Refusals], n_all: int, n_day: int, *, is_open: bool
) -> Iterator[str]:
    """Yield the sentences. `is_open` while nothing trusted has come since the last wrong signature."""
    parts = [
        gettext("%(n)s %(cause)s") % {"n": capped(one.n_hour), "cause": cause.label.lower()}
        for cause, one in by_cause.items()
        if one.n_hour
    ]
    words = (
        ngettext(
            "%(n)s request refused in the last hour: %(causes)s.",
            "%(n)s requests refused in the last hour: %(causes)s.",
            n_all,
        )
        if parts
        else ngettext(
            "%(n)s request refused in the last hour.", "%(n)s requests refused in the last hour.", n_all
        )
    )
    sentence = words % {"n": capped(n_all), "causes": ", ".join(parts)}
    yield gettext("A flood: %(sentence)s") % {"sentence": sentence} if n_all > CAP else sentence
    if max(n_all, n_day) <= CAP:
        before = ngettext("In the day before: %(n)s request.", "In the day before: %(n)s requests.", n_day)
        yield before % {"n": capped(n_day)}
    if is_open:
        yield gettext("No trusted delivery has come since the last wrong signature.")


def _refused_advice(n_all: int, *, is_open: bool) -> str:
    if is_open:
        return gettext(
            "The secret may have changed at Ralio, and Ralio does not send these events again. Add the new secret to "
            "RALIO_WEBHOOK_SECRETS, then verify the refused requests again."
        )
    if n_all > CAP:
        return gettext(
            "Somebody floods the address. Nothing of it is trusted; limit it at the proxy in front of the desk."
        )
    return gettext(
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
    n_all, n_unseen = len(rows), len(unseen)
    oldest = now - unseen[0].received_at if unseen else None
    is_old = oldest is not None and oldest > settings.KYC_INBOX_QUARANTINED
    return Figure(
        AlarmKind.QUARANTINED,
        lambda: _quarantined_words(n_all, n_unseen, oldest),
        is_well=not is_old and n_unseen < MANY_QUARANTINED,
        is_calm=not is_old and n_unseen <= MANY_QUARANTINED // 2,
        since=(unseen or rows)[0].received_at if rows else None,
        numbers={"waiting": n_all, "not_replayed": n_unseen},
        delivery_ids=tuple(row.pk for row in (unseen or rows)[:FEW]),
    )


def _quarantined_words(n_all: int, n_unseen: int, oldest: timedelta | None) -> Words:
    says = ngettext(
        "%(n)s delivery waits in quarantine; each was replayed in vain.",
        "%(n)s deliveries wait in quarantine; each was replayed in vain.",
        n_all,
    )
    if oldest is not None:
        says = ngettext(
            "%(n)s delivery waits in quarantine; %(unseen)s not replayed yet, the oldest from %(oldest)s ago.",
            "%(n)s deliveries wait in quarantine; %(unseen)s not replayed yet, the oldest from %(oldest)s ago.",
            n_all,
        )
    elif not n_all:
        says = gettext("No delivery waits in quarantine.")
    threshold = gettext("Unwell when one waits for more than %(limit)s, or %(many)s do, not replayed yet.")
    return Words(
        value=gettext("%(n)s waiting") % {"n": capped(n_all)},
        says=says % {"n": capped(n_all), "unseen": capped(n_unseen), "oldest": span(oldest or timedelta())},
        threshold=threshold % {"limit": span(settings.KYC_INBOX_QUARANTINED), "many": MANY_QUARANTINED},
        advice=gettext(
            "See what is wrong with them. Ralio does not send them again: mend what does not fit, then replay. Once "
            "replayed they are no reason for an alarm any more."
        ),
    )


def _failed(now: datetime) -> Figure:
    """One that fails again and again alarms, and so does one that nobody tries again."""
    rows = _waiting(DeliveryStatus.FAILED, "n_tries", "next_try_at")
    most = settings.KYC_INBOX_FAILED_TRIES
    stuck = [row for row in rows if row.n_tries >= most or row.next_try_at is None]
    overdue = [row for row in rows if row.next_try_at and now - row.next_try_at > LONGEST_OVERDUE]
    meant = stuck or overdue or rows
    n_all, n_stuck, n_overdue = len(rows), len(stuck), len(overdue)
    oldest = now - rows[0].received_at if rows else None
    return Figure(
        AlarmKind.FAILED,
        lambda: _failed_words(n_all, n_stuck, n_overdue, oldest),
        is_well=not stuck and not overdue and n_all < MANY_FAILED,
        is_calm=not stuck and not overdue and n_all <= MANY_FAILED // 2,
        since=meant[0].received_at if meant else None,
        numbers={"waiting": n_all, "stuck": n_stuck, "overdue": n_overdue},
        delivery_ids=tuple(row.pk for row in meant[:FEW]),
    )


def _failed_words(n_all: int, n_stuck: int, n_overdue: int, oldest: timedelta | None) -> Words:
    most = settings.KYC_INBOX_FAILED_TRIES
    threshold = ngettext(
        "Unwell when one has failed %(n)s time, %(many)s wait, or one is not tried again in time.",
        "Unwell when one has failed %(n)s times, %(many)s wait, or one is not tried again in time.",
        most,
    )
    return Words(
        value=gettext("%(n)s waiting") % {"n": capped(n_all)},
        says=" ".join(_failed_says(n_all, n_stuck, n_overdue, oldest)),
        threshold=threshold % {"n": capped(most), "many": MANY_FAILED},
        advice=gettext(
            "Ralio counts them as delivered, so they are ours to apply. See that a worker runs, read the error of the "
            "oldest, mend the cause, then replay."
        ),
    )


def _failed_says(n_all: int, n_stuck: int, n_overdue: int, oldest: timedelta | None) -> Iterator[str]:
    most = settings.KYC_INBOX_FAILED_TRIES
    if oldest is None:
        yield gettext("No delivery waits for another try.")
        return
    waits = ngettext(
        "%(n)s delivery waits to be applied, the oldest from %(oldest)s ago.",
        "%(n)s deliveries wait to be applied, the oldest from %(oldest)s ago.",
        n_all,
    )
    yield waits % {"n": capped(n_all), "oldest": span(oldest)}
    failed = ngettext(
        "Failed %(n)s time or more, or for good: %(stuck)s.",
        "Failed %(n)s times or more, or for good: %(stuck)s.",
        most,
    )
    yield failed % {"n": capped(most), "stuck": capped(n_stuck)}
    if n_overdue:
        overdue = gettext("Should have been tried again by now: %(n)s. Is a worker running?")
        yield overdue % {"n": capped(n_overdue)}


def _novelty(now: datetime, heard: Rhythm) -> Figure:
    """In a desk's first week all is new, and so it is in the first week of a catalogue."""
    names = _new(EventName.objects.all(), "name", now, heard)
    codes = _new(ReasonCode.objects.all(), "code", now, heard)
    both = [*names, *codes]
    n_names, n_codes = len(names), len(codes)
    is_known = heard.first is not None and now - heard.first >= WEEK
    return Figure(
        AlarmKind.NOVELTY,
        lambda: _novelty_words(n_names, n_codes, is_known=is_known),
        is_well=not both,
        is_calm=not both,
        is_known=is_known,
        since=min((row.first_seen_at for row in both), default=None),
        numbers={"event_names": n_names, "codes": n_codes},
        code_ids=tuple(row.pk for row in codes[:FEW]),
        event_name_ids=tuple(row.pk for row in names[:FEW]),
        names=tuple(_readable(row.said) for row in (*names[:FEW], *codes[:FEW])),
    )


def _novelty_words(n_names: int, n_codes: int, *, is_known: bool) -> Words:
    names = ngettext("%(n)s event name", "%(n)s event names", n_names) % {"n": capped(n_names)}
    codes = ngettext("%(n)s reason code", "%(n)s reason codes", n_codes) % {"n": capped(n_codes)}
    says = gettext("%(names)s and %(codes)s came for the first time in the last 7 days.")
    return Words(
        value=gettext("%(n)s this week") % {"n": capped(n_names + n_codes)},
        says=says % {"names": names, "codes": codes}
        if is_known
        else gettext("The desk is younger than a week: all is new."),
        threshold=gettext("Unwell from the first one on."),
        advice=gettext(
            "See what they mean. Give a new code its label, and say whether a subject may be told; an event name that "
            "is not known here is kept, but changes no session."
        ),
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
    return Figure(
        AlarmKind.REPEATS,
        lambda: _repeats_words(n_all, n_again, percent),
        is_well=not is_known or percent < most,
        is_calm=not is_known or percent <= most / 2,
        is_known=is_known,
        numbers={"deliveries": n_all, "came_again": n_again},
    )


def _repeats_words(n_all: int, n_again: int, percent: float) -> Words:
    says = ngettext(
        "Of %(n)s delivery of the last day %(again)s came again.",
        "Of %(n)s deliveries of the last day %(again)s came again.",
        n_all,
    )
    if n_all == CAP:
        says = gettext("Of the newest %(n)s deliveries of the last day %(again)s came again.")
    elif n_all < FEWEST_DELIVERIES:
        says = gettext("Fewer than %(fewest)s deliveries came in the last day: too few to tell.")
    return Words(
        value=gettext("%(percent)s%% of the last day") % {"percent": f"{percent:.0f}"},
        says=says % {"n": capped(n_all), "again": capped(n_again), "fewest": FEWEST_DELIVERIES},
        threshold=gettext("Unwell from %(percent)s%% on.") % {"percent": settings.KYC_INBOX_REPEATS_PERCENT},
        advice=gettext(
            "Ralio sends again what it has no answer to. See whether this desk answers slowly or with errors, and "
            "whether a proxy in front of it cuts answers off."
        ),
    )


def _readable(text: str) -> str:
    """Return a name from the wire as one short line that shows all that is in it."""
    line = "".join(char if char.isprintable() else "·" for char in text[: LONGEST_NAME + 1])
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def _short(length: timedelta) -> str:
    """Write a usual gap, which may be seconds."""
    if length >= timedelta(minutes=2):
        return span(length)
    return gettext("%(seconds)ds") % {"seconds": _seconds(length)}


def _ago(length: timedelta) -> str:
    return gettext("%(span)s ago") % {"span": span(length)}


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
