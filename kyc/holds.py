"""Over whom legal holds stand, and the lock by which none is placed while what it protects is being overwritten.

What a session or a record holds is protected by its own row's lock. What names its subjects in its bytes alone has no such
row: whoever overwrites it waits here for whoever places a hold, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from kyc.choices import EntityType
from kyc.models import LegalHold
from kyc.subjects import Subject

# Of PostgreSQL's advisory locks, the one between holds and overwriting.
_LOCK = 0x4B5943484F4C44


def wait_to_place() -> None:
    """Wait until nothing is overwritten, and let nothing be until the transaction ends. Call it before any row is locked."""
    _wait("pg_advisory_xact_lock")


def wait_to_overwrite() -> None:
    """Wait until no hold is being placed, and let none be until the transaction ends. Call it before any row is locked."""
    _wait("pg_advisory_xact_lock_shared")


class Standing:
    """Whatever tells that a body is about somebody over whom a hold stands: their ids and those of their sessions.

    It is asked anew each time, for one may be placed meanwhile; the ids are gathered only when the holds are others.
    """

    def __init__(self) -> None:
        self._holds: Sequence[int] = ()
        self._ids: frozenset[str] = frozenset()

    def ids(self) -> frozenset[str]:
        standing = list(LegalHold.objects.filter(lifted_at=None).order_by("pk"))
        if (holds := [hold.pk for hold in standing]) != self._holds:
            subjects = (Subject(EntityType(hold.entity_type), hold.subject_id) for hold in standing)
            self._holds, self._ids = holds, frozenset(pk for subject in subjects for pk in subject.ids())
        return self._ids


def _wait(function: str) -> None:
    """SQLite's transactions come one after the other anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [_LOCK])
