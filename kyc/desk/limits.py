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

from kyc.desk.access import DeskRequest
from kyc.models import User

type Name = Literal["search", "export"]

# Where Django's cache keeps its rows: it removes those that are over, and every web process counts in the same place.
TABLE = "kyc_cache"
# The instants of a person's requests, in one row and one statement: of two at once, each sees who came before it.
NOTE = f"""
INSERT INTO {TABLE} AS kept (cache_key, value, expires) VALUES (%s, %s, %s)
ON CONFLICT (cache_key) DO UPDATE SET
    value = CASE WHEN kept.expires <= %s THEN excluded.value ELSE kept.value || ' ' || excluded.value END,
    expires = excluded.expires
RETURNING value
"""  # noqa: S608 - the table's name is written here
# Where another request has come meanwhile, it is left as it is.
REPLACE = f"UPDATE {TABLE} SET value = %s WHERE cache_key = %s AND value = %s"  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class Limit:
    """So many times, which a setting names, in any span of that length: no hour's turn lets twice as many through."""

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

    A page that can search is counted where its address has words to search for; an export, and a form, each time.
    """

    def decorator(
        view: Callable[Concatenate[DeskRequest, P], R],
    ) -> Callable[Concatenate[DeskRequest, P], R | HttpResponse]:
        @wraps(view)
        def counted(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
            if name == "search" and request.method != "POST" and not request.GET.get("q", "").strip():
                return view(request, *args, **kwargs)
            return refused(request, name) or view(request, *args, **kwargs)

        return counted

    return decorator


def refused(request: DeskRequest, name: Name) -> HttpResponse | None:
    """Count the request, and return the page that refuses it where it is one too many."""
    seconds = spend(request.user, name)
    return too_many(request, name=name, seconds=seconds) if seconds else None


def spend(person: User, name: Name) -> int:
    """Count one more for the person. Return 0, or where it is too many after how many seconds the next may be.

    One that is refused does not count: who asks on and on does not wait for longer.
    """
    limit, now = LIMITS[name], datetime.now(UTC)
    key = f"desk:limit:{name}:{person.pk}"
    noted = _note(key, now, now + limit.span)
    *before, _present = noted.split(" ")
    since = (now - limit.span).timestamp()
    counted = [instant for instant in before if float(instant) > since]
    if len(counted) < limit.most:
        if len(before) - len(counted) > limit.most:
            _replace(key, noted, " ".join([*counted, _present]))
        return 0
    _replace(key, noted, " ".join(counted))
    return max(1, math.ceil(float(counted[-limit.most]) - since))


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


def _note(key: str, now: datetime, ends_at: datetime) -> str:
    """Add an instant to a row, which begins anew where it is over, and return all that it has."""
    # Whole seconds, as Django's cache writes them: SQLite compares the text.
    began, ends = (_whole_seconds(instant) for instant in (now, ends_at + timedelta(seconds=1)))
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [key, f"{now.timestamp():.6f}", ends, began])
        (noted,) = cursor.fetchone()
    return str(noted)


def _replace(key: str, noted: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REPLACE, [value, key, noted])


def _whole_seconds(instant: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(instant.replace(microsecond=0))
