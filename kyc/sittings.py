"""With which browsers a person is signed in, and the end of it.

The words of the desk keep "session" for a verification, so what Django calls a session is a sitting here. Django keeps
it, with when it began and was last used; allauth's table says whose it is, from which browser and address.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from allauth.account.signals import password_changed
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session as Kept
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.signals import m2m_changed, post_save
from django.http import HttpRequest
from django.utils import timezone

from kyc import origins
from kyc.models import User

BEGUN = "sitting_begun"
SEEN = "sitting_seen"
# What a column for addresses keeps where none is known.
UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens there
# How old the note of the last use may be: a page is not to cost a write each time.
NOTE_EVERY = 60


class Ending(StrEnum):
    """Why a sitting is over: unused for too long, begun too long ago, or ended from elsewhere."""

    IDLE = "idle"
    HOURS = "hours"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Sitting:
    """A browser that a person is signed in with."""

    pk: int
    key: str
    browser: str
    address: str
    begun_at: datetime
    seen_at: datetime


def connect() -> None:
    """Have a sitting begin with each sign-in, and all of a person's end with their access."""
    user_logged_in.connect(_signed_in, dispatch_uid="kyc.sitting_begins")
    user_logged_out.connect(_signed_out, dispatch_uid="kyc.sitting_ends")
    password_changed.connect(_password_changed, dispatch_uid="kyc.other_sittings_end_with_a_password")
    m2m_changed.connect(
        _roles_changed, sender=User.groups.through, dispatch_uid="kyc.sittings_end_with_a_role"
    )
    post_save.connect(_saved, sender=User, dispatch_uid="kyc.sittings_end_with_an_account")


# --- Whose they are ------------------------------------------------------------------------------
def of(person: User) -> list[Sitting]:
    """Return where a person is signed in now, the one last used first."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=person)}
    found = []
    for kept in Kept.objects.filter(session_key__in=rows, expire_date__gt=timezone.now()):
        marks = kept.get_decoded()
        if marks.get(SESSION_KEY) == str(person.pk) and ending(marks) is None:
            found.append(_sitting(rows[kept.session_key], marks))
    return sorted(found, key=lambda sitting: sitting.seen_at, reverse=True)


def _sitting(row: UserSession, marks: dict[str, Any]) -> Sitting:
    return Sitting(
        pk=row.pk,
        key=row.session_key,
        browser=row.user_agent,
        address="" if row.ip == UNKNOWN_ADDRESS else row.ip,
        begun_at=datetime.fromtimestamp(marks[BEGUN], UTC),
        seen_at=datetime.fromtimestamp(marks[SEEN], UTC),
    )


def end_sessions(person: User, *, but: str | None = None, only: int | None = None) -> int:
    """Sign a person out of every browser, save the one whose session key is `but`; or `only` out of that sitting's.

    Return how many that were.
    """
    rows = UserSession.objects.filter(user=person).exclude(session_key=but or "")
    if only is not None:
        rows = rows.filter(pk=only)
    with transaction.atomic():
        keys = list(rows.values_list("session_key", flat=True))
        if not keys:
            return 0
        n_ended, _ = Kept.objects.filter(session_key__in=keys).delete()
        rows.filter(session_key__in=keys).delete()
    return n_ended


def leave_if_ended(request: HttpRequest) -> None:
    """Forget the request's own session where what it did has ended it: it could not be kept any more."""
    if not request.session.exists(request.session.session_key or ""):
        request.session.flush()


def forget(key: str) -> bool:
    """Forget whose a session was that is over. Return False where that was done."""
    n_forgotten, _ = UserSession.objects.filter(session_key=key).delete()
    return bool(n_forgotten)


# --- How long they last --------------------------------------------------------------------------
def ending(marks: SessionBase | dict[str, Any]) -> Ending | None:
    """Return why a sitting with these marks is over, or None while it lasts. One that bears no marks is over."""
    now = time.time()
    if now - marks.get(BEGUN, 0) >= settings.KYC_SESSION.total_seconds():
        return Ending.HOURS
    if now - marks.get(SEEN, 0) >= settings.KYC_SESSION_IDLE.total_seconds():
        return Ending.IDLE
    return None


def is_noted(marks: SessionBase) -> bool:
    """Return True while the note of the last use is fresh enough."""
    return bool(time.time() - marks.get(SEEN, 0) < NOTE_EVERY)


def note_use(key: str) -> None:
    """Note that a sitting is in use, and leave alone what else its browser's other requests keep in it."""
    with transaction.atomic():
        kept = Kept.objects.select_for_update().filter(session_key=key).first()
        if kept is None:
            return
        marks = kept.get_decoded() | {SEEN: time.time()}
        kept.session_data = Kept.objects.encode(marks)
        kept.save(update_fields=["session_data"])


def track(request: HttpRequest, person: User, *, before: str | None = None) -> None:
    """Know the request's session by its key, which was `before` until now, as that person's and that browser's."""
    key = request.session.session_key
    if before and UserSession.objects.filter(session_key=before, user=person).update(session_key=key):
        return
    agent = request.META.get("HTTP_USER_AGENT", "")[: UserSession._meta.get_field("user_agent").max_length]
    UserSession.objects.update_or_create(
        session_key=key,
        defaults={
            "user": person,
            "ip": origins.present().address or UNKNOWN_ADDRESS,
            "user_agent": agent.replace("\0", ""),
        },
    )


# --- What is heard of ----------------------------------------------------------------------------
def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    if not request.session.session_key:
        request.session.create()
    request.session[BEGUN] = request.session[SEEN] = time.time()
    track(request, user)
    _sweep()


def _sweep() -> None:
    """Forget every session that is over: nobody's browser and address are kept longer than they serve."""
    Kept.objects.filter(expire_date__lt=timezone.now()).delete()
    lasting = Kept.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(lasting)).delete()


def _signed_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user:
        UserSession.objects.filter(session_key=request.session.session_key).delete()


def _password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    end_sessions(user, but=request.session.session_key)


def _roles_changed(instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any) -> None:
    """End the sittings of those whose roles are others now, whichever side of the relation they were changed from."""
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    for person in _people(instance, reverse, pk_set):
        end_sessions(person)


def _people(instance: Any, reverse: bool, pk_set: set[int] | None) -> Iterator[User]:
    if not reverse:
        if pk_set is None or pk_set:
            yield instance
    elif pk_set is None:
        yield from instance.user_set.all()
    else:
        yield from User.objects.filter(pk__in=pk_set)


def _saved(instance: User, created: bool, **kwargs: Any) -> None:
    if not instance.is_active and not created:
        end_sessions(instance)
