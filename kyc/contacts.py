"""Contacts from a table: read whole and judged row by row first, written only when asked."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from io import StringIO
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from kyc import ledger
from kyc.choices import ContactSource, EntityType
from kyc.languages import closest
from kyc.models import Contact, User
from kyc.querysets import insert_once
from kyc.review import digest
from kyc.signals import contact_changed

REQUIRED = ("entity_type", "subject_id", "email")
COLUMNS = (*REQUIRED, "name", "language")
# What the ledger holds as it is; the others as digests.
OPEN = frozenset({"entity_type", "subject_id", "source"})
SUBJECTS = (EntityType.USER, EntityType.RELATED_PARTY)
LONGEST_NAME = 200
LONGEST_EMAIL = 254
PORTION = 500


class NotATable(ValueError):
    """The file cannot be read as a table of contacts at all. The words say why."""


class Ending(StrEnum):
    """What becomes of a row."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell. The words never repeat what stands in it."""

    column: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line that it ends on, and its cells as they would be stored; or its faults."""

    line: int
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Sequence[Fault] = ()

    @property
    def subject(self) -> tuple[str, UUID] | None:
        return None if self.faults else (self.cells["entity_type"], UUID(self.cells["subject_id"]))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row, or would."""

    row: Row
    ending: Ending


@dataclass(frozen=True, slots=True)
class Table:
    """A file of contacts. `digest` tells it from other files."""

    rows: Sequence[Row]
    digest: str


def tally(results: Iterable[Result]) -> Counter[Ending]:
    return Counter(result.ending for result in results)


# --- Reading -------------------------------------------------------------------------------------
def read(content: bytes) -> Table:
    """Return a table's rows, each with its faults. Raises NotATable for what is none.

    UTF-8, with a first row of column names in any order, separated by comma, semicolon or tab, as spreadsheets write it.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotATable(_("Save the file as UTF-8: it holds bytes that are none.")) from None
    if "\x00" in text:
        raise NotATable(_("This is not a text file."))
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        _guard_names(names)
        rows = _without_repeats(_row(lines.line_num, names, cells) for cells in lines if any(cells))
        return Table(list(rows), sha256(content).hexdigest())
    except csv.Error as error:
        where = _("Line %(line)d cannot be read as a row: %(error)s.")
        raise NotATable(where % {"line": lines.line_num, "error": error}) from None


def _guard_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    if not any(names) or missing:
        words = _("The first row names the columns. Missing: %(names)s.")
        raise NotATable(words % {"names": ", ".join(missing or REQUIRED)})
    if unknown or len(set(names)) < len(names):
        words = _("The first row may name these columns, each once: %(names)s.")
        raise NotATable(words % {"names": ", ".join(COLUMNS)})


def _row(line: int, names: Sequence[str], values: Sequence[str]) -> Row:
    if len(values) != len(names):
        words = _("This row has %(found)d cells, and the first one has %(wanted)d.")
        return Row(line, faults=[Fault("", words % {"found": len(values), "wanted": len(names)})])
    cells = dict(zip(names, (value.strip() for value in values), strict=True))
    cells["entity_type"] = cells["entity_type"].lower().replace("_", "-").replace(" ", "-")
    written = cells.get("language", "")
    cells["language"] = written and (closest(written) or _UNKNOWN)
    cells.setdefault("name", "")
    return Row(line, cells, list(_faults(cells)))


def _faults(cells: Mapping[str, str]) -> Iterator[Fault]:
    if cells["entity_type"] not in SUBJECTS:
        yield Fault("entity_type", _("Write user or related-party."))
    if not _is_uuid(cells["subject_id"]):
        yield Fault("subject_id", _("Write the subject's UUID as Ralio sends it, with its dashes."))
    if not _is_address(cells["email"]):
        yield Fault("email", _("This is not an e-mail address."))
    if len(cells["name"]) > LONGEST_NAME or not cells["name"].isprintable():
        words = _("Write a name on one line, of at most %(most)d characters.")
        yield Fault("name", words % {"most": LONGEST_NAME})
    if cells["language"] == _UNKNOWN:
        spoken = ", ".join(code for code, _name in settings.LANGUAGES)
        yield Fault("language", _("Write one of these, or nothing: %(codes)s.") % {"codes": spoken})


# Not a language, and nothing that a cell can hold after it was stripped.
_UNKNOWN = " "


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= LONGEST_EMAIL


def _without_repeats(rows: Iterable[Row]) -> Iterator[Row]:
    """A subject has one contact: which of two rows is meant, only who wrote them knows."""
    first: dict[tuple[str, UUID], int] = {}
    for row in rows:
        line = first.setdefault(row.subject, row.line) if row.subject else row.line
        if line == row.line:
            yield row
        else:
            words = _("Line %(line)d is about the same subject.") % {"line": line}
            yield Row(row.line, row.cells, [Fault("subject_id", words)])


# --- Writing -------------------------------------------------------------------------------------
def plan(table: Table) -> Iterator[Result]:
    """Yield what would become of each row as things stand; nothing is written. One query for each PORTION of rows."""
    for start in range(0, len(table.rows), PORTION):
        rows = table.rows[start : start + PORTION]
        known = _known(rows)
        for row in rows:
            contact = known.get(row.subject) if row.subject else None
            yield Result(row, _ending(row, contact))


def apply(table: Table, *, by: User | None) -> Iterator[Result]:
    """Write each sound row in a transaction of its own, with its entry in the ledger, and yield what became of it."""
    for row in table.rows:
        yield Result(row, Ending.REFUSED) if row.faults else _apply(row, table, by)


@transaction.atomic
def _apply(row: Row, table: Table, by: User | None) -> Result:
    entity_type, subject_id = row.cells["entity_type"], UUID(row.cells["subject_id"])
    key = {"entity_type": entity_type, "subject_id": subject_id}
    locked = Contact.objects.select_for_update().filter(**key)
    contact = locked.first()
    if contact is None:
        made = Contact(**key, source=ContactSource.PERSON, **_wanted(row, None))
        contact = None if insert_once(made) else locked.get()
        if contact is None:
            return _tell(row, Ending.ADDED, made, {}, table, by)
    ending, before = _ending(row, contact), _told(contact)
    if ending == Ending.UNCHANGED:
        return Result(row, ending)
    for name, value in _wanted(row, contact).items():
        setattr(contact, name, value)
    contact.source = ContactSource.PERSON
    # Whoever is entered again after an erasure is somebody who is kept.
    contact.erased_at = None
    contact.save()
    return _tell(row, ending, contact, before, table, by)


def _tell(
    row: Row, ending: Ending, contact: Contact, before: Mapping[str, str], table: Table, by: User | None
) -> Result:
    # The signal first: who hears it locks rows, and the ledger is locked last.
    contact_changed.send(Contact, contact=contact)
    after = _told(contact)
    changed = sorted(name for name in after if before.get(name) != after[name])
    ledger.append(
        ledger.SYSTEM,
        f"contact.{ending}",
        actor=by,
        contact=str(contact.pk),
        file=table.digest,
        before={name: before[name] for name in changed if name in before},
        after={name: after[name] for name in changed},
    )
    return Result(row, ending)


def _told(contact: Contact) -> dict[str, str]:
    """Return what the ledger may hold of a contact."""
    names = (*COLUMNS, "source")
    values = {name: str(getattr(contact, name)) for name in names}
    return {name: value if name in OPEN else digest(value) for name, value in values.items()}


def _known(rows: Iterable[Row]) -> dict[tuple[str, UUID], Contact]:
    subjects = {row.subject[1] for row in rows if row.subject}
    found = Contact.objects.filter(subject_id__in=subjects)
    return {(contact.entity_type, contact.subject_id): contact for contact in found}


def _ending(row: Row, contact: Contact | None) -> Ending:
    if row.faults:
        return Ending.REFUSED
    if contact is None:
        return Ending.ADDED
    is_same = all(getattr(contact, name) == value for name, value in _wanted(row, contact).items())
    # What Ralio said becomes a person's word, which Ralio's next one does not replace.
    return Ending.UNCHANGED if is_same and contact.source == ContactSource.PERSON else Ending.CHANGED


def _wanted(row: Row, contact: Contact | None) -> dict[str, str]:
    """Return what is to be stored: an empty cell leaves what is known."""
    known = {name: getattr(contact, name) for name in ("name", "language")} if contact else {}
    cells = {name: row.cells[name] for name in ("email", "name", "language")}
    return {name: value or known.get(name, "") for name, value in cells.items()}
