"""Which secret signed the latest deliveries, by fingerprint, so that an old one can be retired without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from kyc.choices import DeliverySource
from kyc.models import Delivery
from kyc.ralio.signature import fingerprint

# Of so many of the latest deliveries.
MOST = 1_000


@dataclass(slots=True)
class Secret:
    """One secret. `place` is where it stands among today's, from 1; none when it is not one of them any more."""

    fingerprint: str
    place: int | None
    n_signed: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """Today's secrets, then those that signed the latest deliveries and are none of today's.

    `n_looked` deliveries came through the webhook among the latest ones, the first of them at `since`; `n_unmarked` of
    them were kept without saying which secret signed them.
    """

    rows: Sequence[Secret] = field(default_factory=list)
    n_looked: int = 0
    n_unmarked: int = 0
    since: datetime | None = None

    @property
    def today(self) -> list[Secret]:
        return [row for row in self.rows if row.place]

    @property
    def unseen(self) -> list[Secret]:
        return [row for row in self.today if not row.n_signed]

    @property
    def retirable(self) -> list[Secret]:
        """Return today's secrets that signed none of the latest deliveries, while another one of today's signed some."""
        is_signed = any(row.n_signed for row in self.today)
        return self.unseen if is_signed and not self.n_unmarked else []


def secrets() -> Secrets:
    """Return the secrets and what they signed. One query over the ends of one index."""
    found = {
        mark: Secret(mark, place)
        for place, mark in enumerate(dict.fromkeys(map(fingerprint, settings.RALIO_WEBHOOK_SECRETS)), 1)
    }
    n_looked = n_unmarked = 0
    since = None
    for mark, source, at in _latest():
        if source != DeliverySource.WEBHOOK:
            continue
        n_looked, since = n_looked + 1, at
        if not mark:
            n_unmarked += 1
            continue
        secret = found.setdefault(mark, Secret(mark, None))
        secret.n_signed += 1
        secret.last_at = max(secret.last_at or at, at)
    return Secrets(list(found.values()), n_looked, n_unmarked, since)


def _latest() -> Sequence[tuple[str, str, datetime]]:
    return list(Delivery.objects.order_by("-pk").values_list("signed_with", "source", "received_at")[:MOST])
