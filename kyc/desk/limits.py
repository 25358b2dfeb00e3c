"""How often a person may search and export. Ralio's webhook knows no limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, Literal

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from kyc.desk.access import DeskRequest
from kyc.models import User

type Name = Literal["search", "export"]

# Where Django's cache keeps its rows: it removes those that are over, and every web process counts in the same place.
TABLE = "kyc_cache"
# One statement, so that of two requests at once neither is counted as the other.
COUNT = f"""
INSERT INTO {TABLE} AS kept (cache_key, value, expires) VALUES (%s, '1', %s)
ON CONFLICT (cache_key) DO UPDATE SET
    value = CASE WHEN kept.expires <= %s THEN '1' ELSE CAST(CAST(kept.value AS integer) + 1 AS text) END,
    expires = CASE WHEN kept.expires <= %s THEN excluded.expires ELSE kept.expires END
RETURNING value, expires
"""  # noqa: S608 - the table's name is written here


@dataclass(frozen=True, slots=True)
class Limit:
    """So many times, which a setting names, in a span that begins with the first."""

    setting: str
    span: timedelta

    @property
    def most(self) -> int:
        found: int = getattr(settings, self.setting)
        return found


LIMITS: dict[Name, Limit] = {
    "search": Limit("KYC_SEARCHES_PER_MINUTE", timedelta(minutes=1)),
    "export": Limit("KYC_EXPORTS_PER_HOUR", timedelta(hours=1)),
}


def limited[**P, R: HttpResponseBase](
    name: Name,
) -> Callable[
    [Callable[Concatenate[DeskRequest, P], R]], Callable[Concatenate[DeskRequest, P], R | HttpResponse]
]:
    """Answer a view's requests with 429 where the person asks too often. It stands under `requires`.

    A page that can search is counted where its address has words to search for, an export each time.
    """

    def decorator(
        view: Callable[Concatenate[DeskRequest, P], R],
    ) -> Callable[Concatenate[DeskRequest, P], R | HttpResponse]:
        @wraps(view)
        def counted(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
            if name == "search" and not request.GET.get("q", "").strip():
                return view(request, *args, **kwargs)
            return refused(request, name) or view(request, *args, **kwargs)

        return counted

    return decorator


def refused(request: DeskRequest, name: Name) -> HttpResponse | None:
    """Count the request, and return the page that refuses it where it is one too many."""
    seconds = spend(request.user, name)
    return too_many(request, name=name, seconds=seconds) if seconds else None


def spend(person: User, name: Name) -> int:
    """Count one more for the person. Return 0, or where it is too many after how many seconds the next may be."""
    limit, now = LIMITS[name], datetime.now(UTC)
    n, ends_at = _count(f"desk:limit:{name}:{person.pk}", now, now + limit.span)
    return 0 if n <= limit.most else max(1, math.ceil((ends_at - now).total_seconds()))


def too_many(
    request: HttpRequest, exception: Exception | None = None, *, name: Name | None = None, seconds: int = 60
) -> HttpResponse:
    """Say what was asked too often, and when to come back. Without a name it is the sign-in, which allauth counts."""
    context = {
        "name": name or "",
        "most": LIMITS[name].most if name else 0,
        "minutes": math.ceil(seconds / 60),
    }
    answer = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer


def _count(key: str, now: datetime, ends_at: datetime) -> tuple[int, datetime]:
    """Add one to a row, which begins anew where it is over. Return how many it has, and when it ends."""
    # Whole seconds, as Django's cache writes them: SQLite compares the text.
    began, ends = (_whole_seconds(instant) for instant in (now, ends_at))
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [key, ends, began, began])
        value, expires = cursor.fetchone()
    if not isinstance(expires, datetime):
        expires = datetime.fromisoformat(expires)
    return int(value), timezone.make_aware(expires, UTC) if timezone.is_naive(expires) else expires


def _whole_seconds(instant: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(instant.replace(microsecond=0))
