"""Ralio's words in ours: bytes in, one typed event or a list of faults out, for any bytes.

The only code that knows Ralio's member names. Every generation is taken, in any mix: either spelling of the envelope,
camelCase or snake_case, dotted or underscored event names, check states as text or number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kyc.choices import CheckState, EntityType, QuarantineCause, SessionState
from kyc.ralio.jsontext import Members, NotJson, Number, parse, write

# Ralio's event names, with "." as "_" -> the session state that each one means.
SESSION_EVENTS = {
    "kyc_session_failed": SessionState.REJECTED,
    "kyc_session_manual_review": SessionState.REVIEW,
    "kyc_session_verified": SessionState.VERIFIED,
    "kyc_session_expired": SessionState.EXPIRED,
    "related_party_kyc_session_created": SessionState.NOT_STARTED,
}
SESSION_CREATED = "related_party_kyc_session_created"
RECORD_EVENTS = frozenset({"kyc_state_updated", "kyc_expiration_warning", "kyb_state_updated"})
# Names that begin so concern KYC or KYB even where we do not know them: they are kept whole.
KYC_PREFIXES = ("kyc_", "kyb_", "related_party_")

# Ralio's check states, text in any case or the number's own digits -> ours.
CHECK_STATES = {
    "validated": CheckState.VALIDATED,
    "1": CheckState.VALIDATED,
    "refused": CheckState.REFUSED,
    "2": CheckState.REFUSED,
}
ENTITY_TYPES = {"user": EntityType.USER, "related-party": EntityType.RELATED_PARTY}

MAX_EMAIL_LENGTH = 320
# Of one body. Nobody reads more, and a list of a million nulls must not make an answer of 100 MB.
MOST_FAULTS = 1000

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_INSTANT = re.compile(
    r"(?P<year>\d{4})(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)[Tt ]"
    r"(?P<hour>\d\d)(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<off_hour>\d\d)(?::?(?P<off_minute>\d\d))?)",
    re.ASCII,
)
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a body: where, and what. Never repeats the value, which may be personal."""

    path: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message}


@dataclass(frozen=True, slots=True)
class ReasonFacts:
    type: str
    code: str
    message: str
    category: str


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """`state_sent` and `data` are ASCII-escaped JSON text, empty when nothing was sent."""

    type: str
    state: CheckState
    state_sent: str
    data: str
    provider: str
    checked_at: datetime | None
    reasons: tuple[ReasonFacts, ...]


@dataclass(frozen=True, slots=True)
class ContactFacts:
    entity_type: EntityType
    subject_id: UUID
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """A well-formed event that is not about KYC or KYB. `name` is as sent, `at` is UTC."""

    event_id: UUID
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordEvent(OtherEvent):
    """An event about a subject's KYC or KYB record, known or not."""

    user_id: UUID | None = None
    related_party_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SessionEvent(OtherEvent):
    """What Ralio says of one session at one instant. No checks means that none are known, not that there are none."""

    session_id: UUID
    state: SessionState
    entity_type: EntityType
    user_id: UUID | None
    related_party_id: UUID | None
    checks: tuple[CheckFacts, ...]
    contact: ContactFacts | None = None
    # It tells that the session was created. The subject's personal link in its body stays there.
    is_created: bool = False

    def codes(self) -> dict[str, str]:
        """Return each reason code that is said, with the category that it came with first."""
        first: dict[str, str] = {}
        for check in self.checks:
            for reason in check.reasons:
                if reason.code:
                    first.setdefault(reason.code, reason.category)
        return first


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says: an event, or the cause and faults that keep it from being one.

    `meaning` is the digest of the parsed JSON (64 hexadecimal digits; empty when it is not JSON): equal for bodies that
    differ only in white space, escapes or the order of names. The envelope's parts are given as far as they are sound.
    """

    meaning: str = ""
    event: OtherEvent | None = None
    cause: QuarantineCause | None = None
    faults: tuple[Fault, ...] = ()
    event_id: UUID | None = None
    name: str = ""
    at: datetime | None = None


def read(body: bytes) -> Reading:
    """Return the event that `body` holds, or its faults. Total: raises for no bytes."""
    return read_object(body, _read_envelope)


def read_object(body: bytes, read_members: Callable[[Members, str], Reading]) -> Reading:
    """Return what `read_members` makes of a JSON object and its meaning, or why the body is none."""
    try:
        document = parse(body)
    except NotJson as error:
        return Reading(cause=QuarantineCause.NOT_JSON, faults=(Fault("", str(error)),))
    meaning = sha256(write(document, is_sorted=True).encode("ascii")).hexdigest()
    if not isinstance(document, Members):
        fault = Fault("", "The body is JSON, but not an object.")
        return Reading(meaning=meaning, cause=QuarantineCause.NOT_JSON, faults=(fault,))
    return read_members(document, meaning)


def clean(text: str) -> str:
    """Return text that every engine can store: NUL and lone surrogates become U+FFFD."""
    return _NOT_TEXT.sub("\ufffd", text)


def instant(text: object) -> datetime | None:
    """Return an ISO 8601 date and time with its offset as UTC, or None. Finer than a microsecond is cut off."""
    match = _INSTANT.fullmatch(text) if isinstance(text, str) and not isinstance(text, Number) else None
    if match is None:
        return None
    off_hour, off_minute = int(match["off_hour"] or 0), int(match["off_minute"] or 0)
    if off_minute > 59:
        return None
    offset = timedelta(hours=off_hour, minutes=off_minute)
    year, month, day, hour, minute = (int(match[part]) for part in ("year", "month", "day", "hour", "minute"))
    microsecond = int((match["fraction"] or "")[:6].ljust(6, "0"))
    try:
        zone = timezone(-offset if match["sign"] == "-" else offset)
        local = datetime(year, month, day, hour, minute, int(match["second"] or 0), microsecond, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(slots=True)
class Object:
    """One object whose members are picked by any of their spellings; what is wrong with them is collected."""

    members: Members
    path: str
    faults: list[Fault]
    values: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.values = dict(self.members.pairs)

    def interpreted(self) -> Self:
        """Return this object, once a name that stands twice in it is a fault."""
        if len(self.values) != len(self.members.pairs):
            for name in self.members.repeated():
                self.fault(clean(name), "This member stands more than once.")
        return self

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def fault(self, name: str, message: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(self.at(name), message))
        elif len(self.faults) == MOST_FAULTS:
            self.faults.append(Fault("", f"There are more faults than these {MOST_FAULTS:,}."))

    def pick(self, *names: str) -> tuple[str, Any]:
        """Return the spelling that stands and its value; null counts as absent; spellings that differ are a fault."""
        first, value = names[0], None
        for name in names:
            found = self.values.get(name)
            if found is None:
                continue
            if value is None:
                first, value = name, found
            elif write(found, is_sorted=True) != write(value, is_sorted=True):
                self.fault(name, f"This differs from {first}, which means the same.")
        return first, value

    def uuid(self, *names: str, missing: str = "") -> UUID | None:
        """Return a UUID; one that is not is a fault, and so is none where `missing` says so."""
        name, value = self.pick(*names)
        if value is None:
            if missing:
                self.fault(name, missing)
            return None
        if isinstance(value, str) and not isinstance(value, Number) and _UUID.fullmatch(value):
            return UUID(value)
        self.fault(name, "This is not a UUID.")
        return None

    def object(self, *names: str) -> Object | None:
        """Return the object that stands there, or None; anything else that stands there is a fault."""
        name, value = self.pick(*names)
        if value is None:
            return None
        if isinstance(value, Members):
            return Object(value, self.at(name), self.faults)
        self.fault(name, "This is not an object.")
        return None

    def objects(self, name: str) -> Iterator[Object]:
        """Yield the objects of the list that stands there, until there are too many faults; none when absent or null."""
        _, value = self.pick(name)
        if value is None:
            return
        if not isinstance(value, list):
            self.fault(name, "This is not a list of objects.")
            return
        path = self.at(name)
        for index, item in enumerate(value):
            if isinstance(item, Members):
                yield Object(item, f"{path}[{index}]", self.faults).interpreted()
            else:
                self.fault(f"{name}[{index}]", "This is not an object.")
            if len(self.faults) > MOST_FAULTS:
                return

    def text(self, *names: str) -> str:
        """Return the text that stands there, or the JSON text of what else does; empty when absent or null."""
        _, value = self.pick(*names)
        return text_of(value)


def _read_envelope(document: Members, meaning: str) -> Reading:
    faults: list[Fault] = []
    envelope = Object(document, "", faults).interpreted()
    event_id = envelope.uuid("id", "eventId", "event_id", missing="The event id is missing (id or eventId).")
    name = _event_name(envelope)
    at = _event_instant(envelope)
    data_name, data_value = envelope.pick("data")
    if data_value is None:
        envelope.fault(data_name, "The data is missing.")
    data = envelope.object("data")
    event = None
    if data is not None and name:
        # Read on although the envelope has faults: the answer names every fault at once.
        event = _interpret(event_id or UUID(int=0), name, at or datetime.min.replace(tzinfo=UTC), data)
    if faults:
        return Reading(meaning, None, QuarantineCause.INVALID, tuple(faults), event_id, name, at)
    return Reading(meaning, event, event_id=event_id, name=name, at=at)


def _event_name(envelope: Object) -> str:
    name, value = envelope.pick("event", "eventType", "event_type")
    if value is None or value == "":
        envelope.fault(name, "The event name is missing (event or eventType).")
    elif isinstance(value, str) and not isinstance(value, Number):
        return clean(value)
    else:
        envelope.fault(name, "The event name is not text.")
    return ""


def _event_instant(envelope: Object) -> datetime | None:
    name, value = envelope.pick("timestamp")
    if value is None:
        envelope.fault(name, "The timestamp is missing.")
        return None
    at = instant(value)
    if at is None:
        envelope.fault(name, "This is not an ISO 8601 date and time with its offset from UTC.")
    return at


def is_ours(name: str) -> bool:
    """Return True when an event of this name concerns KYC or KYB, whether we know it or not."""
    word = name.replace(".", "_")
    return word in SESSION_EVENTS or word in RECORD_EVENTS or word.startswith(KYC_PREFIXES)


def _interpret(event_id: UUID, name: str, at: datetime, data: Object) -> OtherEvent:
    word = name.replace(".", "_")
    if word in SESSION_EVENTS:
        return _session_event(event_id, name, at, word, data.interpreted())
    if word in RECORD_EVENTS:
        return _record_event(event_id, name, at, data.interpreted())
    if word.startswith(KYC_PREFIXES):
        # Nothing in an event that we do not know can be a fault: its ids are taken where they are sound.
        return _record_event(event_id, name, at, Object(data.members, data.path, []))
    return OtherEvent(event_id, name, at)


def _record_event(event_id: UUID, name: str, at: datetime, data: Object) -> RecordEvent:
    user_id = data.uuid("userId", "user_id")
    return RecordEvent(event_id, name, at, user_id, data.uuid("relatedPartyId", "related_party_id"))


def _session_event(event_id: UUID, name: str, at: datetime, word: str, data: Object) -> SessionEvent:
    contact = None
    if word == SESSION_CREATED:
        session_id, related_party_id, contact = _created(data)
    else:
        session_id = data.uuid("sessionId", "session_id", missing="The session id is missing.")
        related_party_id = data.uuid("relatedPartyId", "related_party_id")
    user_id = data.uuid("userId", "user_id")
    return SessionEvent(
        event_id,
        name,
        at,
        session_id=session_id or UUID(int=0),
        state=SESSION_EVENTS[word],
        entity_type=_entity_type(data, user_id, related_party_id),
        user_id=user_id,
        related_party_id=related_party_id,
        checks=tuple(_check(check) for check in data.objects("checks")),
        contact=contact,
        is_created=word == SESSION_CREATED,
    )


def _created(data: Object) -> tuple[UUID | None, UUID | None, ContactFacts | None]:
    """Return session id, related party id and contact of a created session, whose ids are nested (or flat)."""
    session = data.object("kycSession", "kyc_session")
    party = data.object("relatedParty", "related_party")
    nested_id = session.interpreted().uuid("id") if session else None
    flat_id = data.uuid("sessionId", "session_id")
    if nested_id and flat_id and nested_id != flat_id:
        data.fault("sessionId", "This differs from kycSession.id, which means the same.")
    if (
        not nested_id
        and not flat_id
        and not _has_fault(data, "kycSession", "sessionId", "kyc_session", "session_id")
    ):
        data.fault("kycSession.id", "The session id is missing.")
    party_id = party.interpreted().uuid("id") if party else None
    flat_party_id = data.uuid("relatedPartyId", "related_party_id")
    if party_id and flat_party_id and party_id != flat_party_id:
        data.fault("relatedPartyId", "This differs from relatedParty.id, which means the same.")
    subject_id = party_id or flat_party_id
    contact = _contact(party, subject_id) if party and subject_id else None
    return nested_id or flat_id, subject_id, contact


def _has_fault(data: Object, *names: str) -> bool:
    paths = tuple(data.at(name) for name in names)
    return any(fault.path.startswith(paths) for fault in data.faults)


def _contact(party: Object, subject_id: UUID) -> ContactFacts | None:
    names = (party.text("firstName", "first_name"), party.text("lastName", "last_name"))
    name = " ".join(" ".join(names).split())
    email = party.text("email").strip()
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    if len(email) > MAX_EMAIL_LENGTH:
        email = ""
    if not name and not email:
        return None
    return ContactFacts(EntityType.RELATED_PARTY, subject_id, name, email)


def _entity_type(data: Object, user_id: UUID | None, related_party_id: UUID | None) -> EntityType:
    """Return who is verified. Both ids, or a word at odds with the one id, leave it unknown; so does no id."""
    _, value = data.pick("entityType", "entity_type")
    if (user_id is None) == (related_party_id is None):
        return EntityType.UNKNOWN
    named = EntityType.USER if user_id else EntityType.RELATED_PARTY
    if value is None:
        return named
    said = ENTITY_TYPES.get(value) if isinstance(value, str) else None
    return named if said == named else EntityType.UNKNOWN


def _check(check: Object) -> CheckFacts:
    name, kind = check.pick("type")
    if kind is None:
        check.fault(name, "The check's type is missing.")
    elif not isinstance(kind, str) or isinstance(kind, Number):
        check.fault(name, "The check's type is not text.")
    _, state = check.pick("state")
    _, data = check.pick("data")
    inside = dict(data.pairs) if isinstance(data, Members) else {}
    provider = inside.get("provider")
    return CheckFacts(
        type=text_of(kind),
        state=check_state(state),
        state_sent="" if state is None else write(state),
        data="" if data is None else write(data),
        provider=clean(provider) if isinstance(provider, str) and not isinstance(provider, Number) else "",
        checked_at=instant(inside.get("timestamp")),
        reasons=tuple(_reason(reason) for reason in check.objects("reasons")),
    )


def check_state(value: object) -> CheckState:
    return (
        CHECK_STATES.get(value.lower(), CheckState.UNKNOWN) if isinstance(value, str) else CheckState.UNKNOWN
    )


def _reason(reason: Object) -> ReasonFacts:
    return ReasonFacts(
        type=reason.text("type"),
        code=reason.text("code"),
        message=reason.text("message"),
        category=reason.text("category"),
    )


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(str(value))
    return write(value)
