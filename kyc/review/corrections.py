"""What people do to sessions, whichever door they come through: lock, guard, write, record, signal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from kyc import folding, ledger
from kyc.choices import CheckState, CorrectionTarget, EntityType, SessionState
from kyc.exceptions import CorrectionForbidden, CorrectionOutdated, CorrectionRefused
from kyc.models import Check, Correction, Reason, ReasonCode, Session, User
from kyc.models.digests import text_digest
from kyc.ralio.jsontext import NotJson, parse, write

type Row = Session | Check | Reason
type Value = str | UUID | datetime | None

CORRECTABLE: dict[type[Session | Check | Reason], tuple[str, ...]] = {
    Session: ("entity_type", "user_id", "related_party_id", "due_at"),
    Check: ("type", "state", "data", "provider", "checked_at"),
    Reason: ("type", "code", "message", "category"),
}
# Fields that may hold what identifies or describes a person: the ledger gets their digests.
PERSONAL = frozenset({"data", "message", "provider"})
LONGEST_IN_LEDGER = 200

OUTDATED = gettext_lazy(
    "This session changed while you had it open. Nothing was saved; what you typed is still here."
)


@dataclass(frozen=True, slots=True)
class Change:
    """One new value for one field. `row` is the session, check or reason as the person saw it."""

    row: Row
    field: str
    new: Value

    @property
    def old(self) -> Value:
        value: Value = getattr(self.row, self.field)
        return value

    @property
    def target(self) -> CorrectionTarget:
        return CorrectionTarget(type(self.row).__name__.lower())


def correct(session: Session, *, by: User, changes: Sequence[Change], reason: str) -> list[Correction]:
    """Correct facts of a session, its checks or their reasons, and return what the record says of it.

    `session` and each change's row are as the person saw them; when they have changed since, CorrectionOutdated is
    raised. A correction is the fold's last layer: later deliveries do not undo it. A due time holds for its round.
    """
    with transaction.atomic():
        locked = folding.lock(session.pk)
        _guard_locked(locked, session, changes)
        changes = allowed(locked, by=by, changes=changes, reason=reason)
        version = locked.version
        corrections = [_insert(change, locked, by, reason) for change in changes]
        folding.refold(locked)
        if locked.version == version:
            # The fold saw no difference in the session's own row, but an officer may have read the corrected one.
            locked.version += 1
            locked.save(update_fields=["version"])
        _list_codes(changes)
        for correction, change in zip(corrections, changes, strict=True):
            _record(correction, change, locked)
        # No signal: a correction changes no state and opens no round.
    return corrections


def allowed(session: Session, *, by: User, changes: Sequence[Change], reason: str) -> list[Change]:
    """Return the changes that change something, their values as they are stored.

    Raises CorrectionForbidden or CorrectionRefused where the correction cannot be made.
    """
    if not by.has_perm("kyc.correct_session"):
        raise CorrectionForbidden(gettext("You may not correct sessions. An admin can."))
    if not reason.strip():
        raise CorrectionRefused(gettext("Say why this is corrected."))
    sound = [Change(change.row, change.field, _sound(session, change)) for change in changes]
    real = [change for change in sound if change.new != change.old]
    if not real:
        raise CorrectionRefused(gettext("Nothing was changed, so there is nothing to correct."))
    _guard_subject(session, real)
    return real


def edition(session: Session, row: Row) -> str:
    """Return a text that changes with the session's version and with whatever of the row can be corrected."""
    values = [as_json(getattr(row, name)) for name in CORRECTABLE[type(row)]]
    return f"{session.version}-{text_digest(json.dumps(values))}"


def place(row: Row) -> dict[str, int]:
    """Name a row by what a rebuild keeps: its delivery and positions."""
    if isinstance(row, Check):
        return {"delivery_id": row.delivery_id, "check_position": row.position}
    if isinstance(row, Reason):
        return {**place(row.kyc_check), "reason_position": row.position}
    return {}


def session_id_of(row: Row) -> UUID:
    if isinstance(row, Session):
        return row.pk
    return row.session_id if isinstance(row, Check) else row.kyc_check.session_id


def as_json(value: Value) -> str:
    """Return the value as JSON text, as corrections keep it."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    return json.dumps(str(value) if isinstance(value, UUID) else value)


def digest(value: Value) -> str:
    """Return SHA-256 of the value's JSON text: what the ledger says of a value that it must not hold."""
    return f"sha256:{sha256(as_json(value).encode('ascii')).hexdigest()}"


def _guard_locked(locked: Session, session: Session, changes: Sequence[Change]) -> None:
    if locked.version != session.version:
        raise CorrectionOutdated(OUTDATED)
    for change in changes:
        now = _reread(change.row)
        if now is None or session_id_of(now) != locked.pk or getattr(now, change.field) != change.old:
            raise CorrectionOutdated(OUTDATED)


def _guard_subject(session: Session, changes: Sequence[Change]) -> None:
    """Refuse a subject whose kind and ids do not agree."""
    subject = {name: getattr(session, name) for name in ("entity_type", "user_id", "related_party_id")}
    subject |= {change.field: change.new for change in changes if isinstance(change.row, Session)}
    if subject["user_id"] and subject["related_party_id"] and subject["entity_type"] != EntityType.UNKNOWN:
        raise CorrectionRefused(
            {"entity_type": gettext("With both a user and a related party, the entity is unknown.")}
        )
    if subject["entity_type"] == EntityType.USER and not subject["user_id"]:
        raise CorrectionRefused({"user_id": gettext("A user needs a user id.")})
    if subject["entity_type"] == EntityType.RELATED_PARTY and not subject["related_party_id"]:
        raise CorrectionRefused({"related_party_id": gettext("A related party needs a related party id.")})


def _sound(session: Session, change: Change) -> Value:
    """Return the new value as it is stored, or refuse it."""
    if change.field not in CORRECTABLE[type(change.row)]:
        words = gettext("%(field)s is not corrected by hand.")
        raise CorrectionRefused(words % {"field": change.field})
    match change.field, change.new:
        case "due_at", _ if session.state != SessionState.REVIEW:
            raise CorrectionRefused({"due_at": gettext("Only a session in REVIEW has a due time.")})
        case "due_at", None:
            raise CorrectionRefused({"due_at": gettext("A session in REVIEW needs a due time.")})
        case "entity_type", new if new not in EntityType.values:
            raise CorrectionRefused({"entity_type": gettext("This is no kind of entity.")})
        case "state", new if new not in CheckState.values:
            raise CorrectionRefused({"state": gettext("This is no state of a check.")})
        case "type", "" if isinstance(change.row, Check):
            raise CorrectionRefused({"type": gettext("A check has a type.")})
        case "data", str(text) if text:
            return _ascii_json(text)
    return change.new


def _ascii_json(text: str) -> str:
    try:
        return write(parse(text.encode()))
    except NotJson:
        raise CorrectionRefused({"data": gettext("This is not JSON.")}) from None


def _insert(change: Change, session: Session, by: User, reason: str) -> Correction:
    return Correction.objects.create(
        session=session,
        target=change.target,
        **place(change.row),
        field=change.field,
        old=as_json(change.old),
        new=as_json(change.new),
        reason=reason.strip(),
        by=by,
        round=session.round,
    )


def _reread(row: Row) -> Row | None:
    rows: QuerySet[Any] = type(row).objects.all()
    fresh: Row | None = rows.filter(pk=row.pk).first()
    return fresh


def _list_codes(changes: Sequence[Change]) -> None:
    """Add a corrected code to the catalogue, as ingestion does with those that arrive."""
    rows = [
        ReasonCode(code=change.new, digest=text_digest(change.new))
        for change in changes
        if change.field == "code" and isinstance(change.new, str) and change.new
    ]
    ReasonCode.objects.bulk_create(sorted(rows, key=lambda row: row.digest), ignore_conflicts=True)


def _record(correction: Correction, change: Change, session: Session) -> None:
    ledger.append(
        ledger.session_chain(session.pk),
        "session.corrected",
        actor=correction.by,
        correction=correction.pk,
        target=change.target.value,
        **place(change.row),
        field=change.field,
        before=_told(change.field, change.old),
        after=_told(change.field, change.new),
        why=digest(correction.reason),
        round=session.round,
        version=session.version,
    )


def _told(field: str, value: Value) -> ledger.Detail:
    """Return a value as the ledger may hold it: itself when it is an id, a code or an instant, else its digest."""
    text = as_json(value)
    if field in PERSONAL or len(text) > LONGEST_IN_LEDGER:
        return digest(value)
    told: ledger.Detail = json.loads(text)
    return told
