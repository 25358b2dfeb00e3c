"""Check a ledger of KYC Desk, without the desk: this file needs nothing but Python 3.9 or newer.

    python -I verify.py                  check the bundle in whose folder this file lies
    python -I verify.py ledger.zip       check a bundle as it was handed over
    python -I verify.py --seal 12=HASH   and compare a seal with the one that was mailed; may be given several times

It names each break and ends with 1 when there is any, and with 0 when all is sound. The desk checks its own tables with
the same file. README.txt in the bundle says what the hashes are over, and what they cannot show.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

FORMAT = "kyc-desk-ledger-2"
# Bundles from before hashes covered ids.
OLDER_FORMATS = ("kyc-desk-ledger-1",)
GENESIS = "0" * 64
SYSTEM = "system"
# The act by which the ledger itself tells of a seal, on the system's chain.
SEALED = "ledger.sealed"


class Entry(NamedTuple):
    """One act. `hash` covers all else; `id` says in which order entries were written."""

    id: int
    chain: str
    seq: int
    at: str
    actor: int | None
    action: str
    detail: str
    request_id: str
    address: str
    previous_hash: str
    hash: str


class Head(NamedTuple):
    """The last entry of a chain."""

    chain: str
    seq: int
    hash: str


class SealedHead(NamedTuple):
    """Where a chain stood when it was sealed. `id` is the row's own number."""

    chain: str
    seq: int
    hash: str
    seal: int
    id: int = 0


class Seal(NamedTuple):
    """A hash over the heads of all chains that grew since the seal before, and over that seal."""

    number: int
    day: str | None
    at: str
    n_chains: int
    n_entries: int
    heads_digest: str
    previous_hash: str
    hash: str


class Break(NamedTuple):
    """Where the ledger does not hold, and how: an entry of a chain, or, without a chain, a seal by its number."""

    chain: str
    seq: int
    what: str

    def __str__(self) -> str:
        place = f"{self.chain} entry {self.seq}" if self.chain else f"seal {self.seq}"
        return f"{place}: {self.what}"


class Tally:
    """How much was looked at. `n_unsealed` entries came after the newest seal: nothing mailed vouches for them yet."""

    def __init__(self) -> None:
        self.n_entries = self.n_chains = self.n_seals = self.n_unsealed = 0
        self.newest: Seal | None = None


# --- Hashes ----------------------------------------------------------------------------------------------------------
def entry_hash(entry: Entry) -> str:
    """Return SHA-256 over all of the entry and the hash before it, as 64 hexadecimal digits."""
    return sha256(b"%s%d]" % (entry_words(entry), entry.id)).hexdigest()


def entry_words(entry: Entry) -> bytes:
    """Return what the entry's hash is over, up to its id: the id and a closing bracket are all that follows."""
    return _json([*_words(entry), entry.request_id, entry.address])[:-1] + b","


def is_covered(entry: Entry) -> bool:
    """Return whether the entry's hash is one over it, in the shape of today or in the one of its day."""
    return entry.hash == entry_hash(entry) or entry.hash == _older_hash(entry)


def _older_hash(entry: Entry) -> str:
    """Return what was written before hashes covered ids, and, without a request, before requests were recorded."""
    asked = [entry.request_id, entry.address] if entry.request_id or entry.address else []
    return sha256(_json(_words(entry) + asked)).hexdigest()


def _words(entry: Entry) -> list[Any]:
    return [entry.chain, entry.seq, entry.at, entry.actor, entry.action, entry.detail, entry.previous_hash]


class HeadsDigest:
    """SHA-256 over the heads under one seal, which come in the order of the chains' characters."""

    def __init__(self) -> None:
        self._whole, self._older = sha256(), sha256()

    def add(self, head: SealedHead) -> None:
        self._whole.update(_json([head.chain, head.seq, head.hash, head.id]) + b"\n")
        self._older.update(_json([head.chain, head.seq, head.hash]) + b"\n")

    def hexdigest(self) -> str:
        return self._whole.hexdigest()

    def comes_to(self, digest: str) -> bool:
        """Return whether it is this digest, in the shape of today or in the one from before it covered ids."""
        return digest in (self._whole.hexdigest(), self._older.hexdigest())


def seal_hash(seal: Seal) -> str:
    return sha256(_json(list(seal[:-1]))).hexdigest()


def _json(parts: list[Any]) -> bytes:
    return json.dumps(parts, separators=(",", ":")).encode("ascii")


# --- All of it -------------------------------------------------------------------------------------------------------
def examine(
    entries: Iterable[Entry],
    heads: Iterable[Head],
    seals: Iterable[Seal],
    sealed_heads: Iterable[SealedHead],
    *,
    mailed: Mapping[int, str] = {},
    chains: Collection[str] | None = None,
    tally: Tally | None = None,
) -> Iterator[Break]:
    """Yield the first break of each chain and each seal that does not hold, in one pass of bounded memory.

    Rows come in the order of chain and seq, seals in that of their numbers. `mailed` holds hashes of seals as they were
    mailed. With `chains` the rows are only these chains', besides all heads of the seals that name one of them.
    """
    tally = tally or Tally()
    sealed = _Sealed(is_whole=chains is None)
    rows = _Rows(entries), _Rows(heads), _Rows(sealed_heads)
    while waiting := [each.first.chain for each in rows if each.first is not None]:
        chain = min(waiting)
        fault = _of_chain(chain, rows, sealed, tally)
        if chains is None or chain in chains:
            yield from _odd(rows) or fault
    yield from _odd(rows)
    yield from _of_seals(seals, sealed, mailed, tally)


def examine_chain(
    chain: str, entries: Iterable[Entry], heads: Iterable[Head], sealed_heads: Iterable[SealedHead]
) -> Break | None:
    """Return the first break of one chain, whose rows these are; the seals themselves are not looked at."""
    rows = _Rows(entries), _Rows(heads), _Rows(sealed_heads)
    fault = _of_chain(chain, rows, _Sealed(is_whole=False), Tally())
    return next(iter(_odd(rows) or fault), None)


class _Rows:
    """Rows in their order, of which the first one can be looked at; what is unreadable or out of order is left out."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)
        self._odd: list[Break] = []
        self._key: tuple[str, int] = ("", 0)
        self.first = self._next()

    def of(self, chain: str) -> Iterator[Any]:
        while self.first is not None and self.first.chain == chain:
            row, self.first = self.first, self._next()
            yield row

    def taken_odd(self) -> list[Break]:
        found, self._odd = self._odd, []
        return found

    def _next(self) -> Any:
        for row in self._rows:
            if column := _wrong(row):
                self._odd.append(Break(str(row.chain), _whole(row.seq), f"its {column} is not of its kind"))
            elif (row.chain, row.seq) <= self._key:
                self._odd.append(Break(row.chain, row.seq, "it is there twice, or out of order"))
            else:
                self._key = row.chain, row.seq
                return row
        return None


def _odd(rows: Iterable[_Rows]) -> list[Break]:
    return [fault for each in rows for fault in each.taken_odd()]


def _of_chain(chain: str, rows: tuple[_Rows, _Rows, _Rows], sealed: _Sealed, tally: Tally) -> list[Break]:
    """Take all rows of one chain, and return its first break, if there is any."""
    entries, heads, sealed_heads = (each.of(chain) for each in rows)
    fault = _Chain(chain, entries, heads, sealed.counted(sealed_heads)).fault(sealed, tally)
    return [fault] if fault else []


class _Chain:
    """One chain: its entries, its head, and where seals say that it stood."""

    def __init__(
        self, name: str, entries: Iterator[Entry], heads: Iterator[Head], sealed: Iterator[SealedHead]
    ) -> None:
        self._name, self._entries, self._heads, self._sealed = name, entries, list(heads), sealed

    def fault(self, sealed: _Sealed, tally: Tally) -> Break | None:
        """Return the first break. Takes all rows of the chain, whatever is found."""
        found: Break | None = None
        last: Entry | None = None
        n_sealed, due = 0, next(self._sealed, None)
        for entry in self._entries:
            found = found or self._of_entry(entry, last)
            while due and due.seq <= entry.seq:
                if due.seq == entry.seq and due.hash != entry.hash:
                    found = found or Break(self._name, entry.seq, f"it is not what seal {due.seal} says")
                n_sealed, due = due.seq, next(self._sealed, None)
            if entry.chain == SYSTEM:
                sealed.hear(entry)
            tally.n_entries += 1
            last = entry
        found = found or self._of_end(last, due)
        for _ in self._sealed:
            pass
        tally.n_chains += last is not None
        tally.n_unsealed += max(0, last.seq - n_sealed) if last else 0
        return found

    def _of_entry(self, entry: Entry, before: Entry | None) -> Break | None:
        expected = before.seq + 1 if before else 1
        if entry.seq != expected:
            return Break(self._name, entry.seq, f"entry {expected} is missing")
        if entry.previous_hash != (before.hash if before else GENESIS):
            return Break(self._name, entry.seq, "it does not follow from the entry before it")
        if not is_covered(entry):
            return Break(self._name, entry.seq, "its content is not what was written")
        if before and entry.id <= before.id:
            return Break(self._name, entry.seq, "its id says that it was written before the entry before it")
        return None

    def _of_end(self, last: Entry | None, due: SealedHead | None) -> Break | None:
        name, head = self._name, self._heads[0] if self._heads else None
        if due:
            gone = "it, and it is not there" if last else "it, and the whole chain is gone"
            return Break(name, due.seq, f"seal {due.seal} names {gone}")
        if len(self._heads) > 1:
            return Break(name, self._heads[1].seq, "the chain has more than one head")
        if last is None:
            return Break(name, 1, "the head says that entries exist, and none does") if head else None
        if head is None:
            return Break(name, last.seq, "the chain has no head")
        if head.seq > last.seq:
            return Break(name, last.seq + 1, "the head says that it exists, and it does not")
        if (head.seq, head.hash) != (last.seq, last.hash):
            return Break(name, last.seq, "the head does not agree with it")
        return None


class _Sealed:
    """What the chains' rows say of the seals: the heads of each, and what the ledger itself told of it."""

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        self.told: dict[int, str] = {}
        self.n_chains: dict[int, int] = {}
        self.n_entries: dict[int, int] = {}
        self._digests: dict[int, HeadsDigest] = {}
        self.has_system = False

    def counted(self, rows: Iterable[SealedHead]) -> Iterator[SealedHead]:
        """Pass on the heads of one chain. They come chain by chain, and so, seal by seal, in the order of its digest."""
        before = 0
        for row in rows:
            self._digests.setdefault(row.seal, HeadsDigest()).add(row)
            self.n_chains[row.seal] = self.n_chains.get(row.seal, 0) + 1
            self.n_entries[row.seal] = self.n_entries.get(row.seal, 0) + row.seq - before
            before = row.seq
            yield row

    def hear(self, entry: Entry) -> None:
        self.has_system = True
        if entry.action != SEALED:
            return
        try:
            detail = json.loads(entry.detail)
            number, digest = detail["seal"], detail["hash"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return
        if type(number) is int:
            self.told[number] = digest

    def agrees(self, seal: Seal) -> bool:
        """Return whether the seal's digest and numbers are those of its heads, as far as its heads are at hand."""
        number = seal.number
        if not self.is_whole and number not in self._digests:
            return True
        # What one chain added since the seal before is not known where that one's heads are left out.
        n_entries = self.n_entries.get(number, 0) if self.is_whole else seal.n_entries
        found = self.n_chains.get(number, 0), n_entries
        digest = self._digests.get(number, HeadsDigest())
        return digest.comes_to(seal.heads_digest) and found == (seal.n_chains, seal.n_entries)

    @property
    def named(self) -> set[int]:
        return {*self.told, *self._digests}


def _of_seals(
    seals: Iterable[Seal], sealed: _Sealed, mailed: Mapping[int, str], tally: Tally
) -> Iterator[Break]:
    before: Seal | None = None
    there: set[int] = set()
    missing: set[int] = set()
    for seal in seals:
        expected = before.number + 1 if before else 1
        if column := _wrong(seal):
            yield Break("", _whole(seal.number), f"its {column} is not of its kind")
            continue
        if seal.number != expected:
            missing.add(expected)
            yield Break("", expected, f"it is missing; the next one is seal {seal.number}")
        elif what := _of_seal(seal, before, sealed, mailed):
            yield Break("", seal.number, what)
        there.add(seal.number)
        before = tally.newest = seal
        tally.n_seals += 1
    for number in sorted((sealed.named | set(mailed)) - there - missing):
        who = "it was mailed" if number in mailed else "the ledger says that it was made"
        yield Break("", number, f"{who}, and it is not there")


def _of_seal(seal: Seal, before: Seal | None, sealed: _Sealed, mailed: Mapping[int, str]) -> str:
    if seal.hash != mailed.get(seal.number, seal.hash):
        return "it is not the one that was mailed"
    if seal.previous_hash != (before.hash if before else GENESIS):
        return "it does not follow from the seal before it"
    if seal.hash != seal_hash(seal):
        return "its content is not what was sealed"
    if not sealed.agrees(seal):
        return "its heads are not those that were sealed"
    if (sealed.is_whole or sealed.has_system) and sealed.told.get(seal.number) != seal.hash:
        return "the ledger does not tell of it"
    return ""


def _wrong(row: Any) -> str:
    """Return the first column whose value is of another kind than it should be."""
    kinds = _KINDS[type(row)]
    for column, value in enumerate(row):
        if type(value) not in kinds[column]:
            return str(row._fields[column])
    return ""


def _whole(value: object) -> int:
    return value if type(value) is int else 0


_TEXT, _NUMBER, _NOTHING = (str,), (int,), type(None)
_KINDS: dict[type, tuple[tuple[type, ...], ...]] = {
    Entry: (_NUMBER, _TEXT, _NUMBER, _TEXT, (int, _NOTHING), *(_TEXT,) * 6),
    Head: (_TEXT, _NUMBER, _TEXT),
    SealedHead: (_TEXT, _NUMBER, _TEXT, _NUMBER, _NUMBER),
    Seal: (_NUMBER, (str, _NOTHING), _TEXT, _NUMBER, _NUMBER, _TEXT, _TEXT, _TEXT),
}
FILES: dict[str, type] = {
    "entries.jsonl": Entry,
    "heads.jsonl": Head,
    "seals.jsonl": Seal,
    "sealed_heads.jsonl": SealedHead,
}


# --- A bundle --------------------------------------------------------------------------------------------------------
class Damaged(Exception):
    """The bundle cannot be read as what it should be."""


# All that reading a file of strangers' making may raise; an encrypted ZIP is a RuntimeError.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


class Bundle:
    """An export: a folder, or the ZIP itself."""

    def __init__(self, place: Path) -> None:
        self._folder = place
        try:
            self._zip = None if place.is_dir() else zipfile.ZipFile(place)
            with self._open("manifest.json") as file:
                self.manifest = json.load(file, object_pairs_hook=_once)
            self._said = {name: self.manifest["files"][name]["sha256"] for name in FILES}
            self.chains = self.manifest["chains"]
        except UNREADABLE as error:
            raise Damaged(f"{place}: no bundle, or its manifest.json cannot be read ({error})") from None
        if self.manifest.get("format") not in (FORMAT, *OLDER_FORMATS):
            raise Damaged(f"{place}: its format is not {FORMAT}")
        if not (
            self.chains is None or (type(self.chains) is list and all(type(c) is str for c in self.chains))
        ):
            raise Damaged(f"{place}: its manifest.json does not say which chains it holds")
        self._found: dict[str, str] = {}

    def breaks(self, mailed: Mapping[int, str], tally: Tally) -> Iterator[Break]:
        entries, heads, seals, sealed = (self._rows(name) for name in FILES)
        chains = None if self.chains is None else frozenset(self.chains)
        yield from examine(entries, heads, seals, sealed, mailed=mailed, chains=chains, tally=tally)
        for name in FILES:
            if self._found.get(name) != self._said[name]:
                raise Damaged(f"{name}: it is not the file that manifest.json was made for")

    def _rows(self, name: str) -> Iterator[Any]:
        kind: Any = FILES[name]
        digest, number = sha256(), 0
        with self._open(name) as file:
            try:
                for line in file:
                    number += 1
                    digest.update(line)
                    yield kind(**json.loads(line, object_pairs_hook=_once))
            except UNREADABLE as error:
                raise Damaged(f"{name} line {number}: {error}") from None
        self._found[name] = digest.hexdigest()

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(name) if self._zip else open(self._folder / name, "rb")
        except UNREADABLE as error:
            raise Damaged(f"{name}: it cannot be read ({error})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: one reader would see the first, and another one the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def mailed_seal(text: str) -> tuple[int, str]:
    """Return a seal's number and hash from NUMBER=HASH."""
    number, _, digest = text.partition("=")
    digest = digest.strip().lower()
    if not number.strip().isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ValueError(f"{text!r} is not NUMBER=HASH, with 64 hexadecimal digits")
    return int(number), digest


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an exported ledger of KYC Desk.")
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).parent, help="folder or ZIP")
    parser.add_argument("--seal", action="append", default=[], metavar="NUMBER=HASH", help="as mailed")
    options = parser.parse_args(arguments)
    say = sys.stdout.write
    try:
        mailed = dict(mailed_seal(text) for text in options.seal)
    except ValueError as error:
        parser.error(str(error))
    tally, n_breaks = Tally(), 0
    try:
        bundle = Bundle(options.bundle)
        for fault in bundle.breaks(mailed, tally):
            n_breaks += 1
            say(f"{fault}\n")
    except Damaged as error:
        say(f"{error}\n")
        return 1
    say(f"{summary(tally, mailed)}\n")
    if bundle.chains is not None:
        say("The bundle holds only some chains: it cannot show whether others are whole.\n")
    say(f"{n_breaks} breaks.\n" if n_breaks else "All sound.\n")
    return 1 if n_breaks else 0


def summary(tally: Tally, mailed: Mapping[int, str]) -> str:
    """Return what was looked at, and how far what left the house vouches for it."""
    lines = [f"{tally.n_entries} entries in {tally.n_chains} chains, {tally.n_seals} seals."]
    if tally.newest:
        day = tally.newest.day or "made out of turn"
        lines.append(f"The newest is seal {tally.newest.number} ({day}): {tally.newest.hash}")
    if tally.newest and tally.newest.number not in mailed:
        lines.append("Compare it with the one that was mailed: --seal NUMBER=HASH.")
    lines.append(f"{tally.n_unsealed} entries came after their chain was last sealed.")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
