"""The inbox's alarms: opened when a threshold is crossed, closed when all is well again, each told once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation

from kyc import inbox, ledger
from kyc.choices import Language
from kyc.figures import Figure
from kyc.models import InboxAlarm
from kyc.querysets import insert_once
from kyc.signals import inbox_changed


def open_alarms() -> list[InboxAlarm]:
    """Return the alarms that are open, oldest first: one query, at most one row per kind."""
    return list(InboxAlarm.objects.filter(closed_at__isnull=True).order_by("opened_at", "pk"))


def watch(now: datetime) -> list[InboxAlarm]:
    """Open and close alarms as the inbox is now, and return those that this call opened or closed.

    Any number of workers may watch at once: each alarm is opened once, closed once, and told once each time. One that
    is open is closed only when its figure is calm, which is a good way inside the threshold.
    """
    is_open = {alarm.kind: alarm for alarm in open_alarms()}
    changed: list[InboxAlarm] = []
    for figure in inbox.health(now).figures:
        alarm = is_open.get(figure.kind)
        if alarm is None and not figure.is_well:
            alarm = InboxAlarm(kind=figure.kind, opened_at=now, detail=_kept(figure))
            changed += [alarm] if _open(alarm, figure) else []
        elif alarm is not None and figure.is_calm:
            changed += [alarm] if _close(alarm, figure, now) else []
    return changed


@transaction.atomic
def _open(alarm: InboxAlarm, figure: Figure) -> bool:
    """Insert the alarm, unless another worker has opened one of its kind; return whether it is ours."""
    if not insert_once(alarm):
        return False
    _tell(alarm, "inbox.unwell", figure)
    return True


@transaction.atomic
def _close(alarm: InboxAlarm, figure: Figure, now: datetime) -> bool:
    """Close the alarm, unless another worker has; return whether it was us."""
    alarm.closed_at, alarm.detail = now, alarm.detail | {"after": _kept(figure)}
    still_open = InboxAlarm.objects.filter(pk=alarm.pk, closed_at__isnull=True)
    if not still_open.update(closed_at=alarm.closed_at, detail=alarm.detail):
        return False
    _tell(alarm, "inbox.well", figure)
    return True


def _kept(figure: Figure) -> dict[str, Any]:
    """Return the figure as an alarm keeps it: in English, and in `words` what it says in the desk's other languages."""
    words = {}
    for language in Language:
        with translation.override(language):
            words[str(language)] = asdict(figure.tell())
    english = words.pop(Language.ENGLISH)
    return {**figure.as_dict(), **english, "words": words}


def _tell(alarm: InboxAlarm, action: str, figure: Figure) -> None:
    numbers: dict[str, ledger.Detail] = {**figure.numbers}
    ledger.append(ledger.SYSTEM, action, alarm=alarm.pk, kind=str(alarm.kind), numbers=numbers)
    inbox_changed.send(InboxAlarm, alarm=alarm)
