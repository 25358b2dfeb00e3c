"""The ledger in a ZIP that whoever gets it can check alone: rows, seals, what they mean, and a verifier of one file."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone

from kyc import ledger, records, verifier

BATCH = 1000
README = Path(__file__).with_name("bundle_readme.txt")


def write(out: BinaryIO, *, chains: Iterable[str] | None = None) -> None:
    """Write the bundle, of these chains or of all, as the ledger is at this moment; memory does not grow with it."""
    out.writelines(stream(chains=chains))


def stream(*, chains: Iterable[str] | None = None) -> Iterator[bytes]:
    """Yield the bundle's bytes piece by piece, for whoever sends them on. Not inside a transaction that writes."""
    chosen = None if chains is None else frozenset(chains)
    sink = _Sink()
    with records.one_moment(), zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        files: dict[str, dict[str, Any]] = {}
        for name, rows in _contents(chosen):
            with archive.open(name, "w", force_zip64=True) as file:
                digest, n_rows = sha256(), 0
                for lines, number in _lines(rows):
                    file.write(lines)
                    digest.update(lines)
                    n_rows += number
                    yield sink.taken()
            files[name] = {"rows": n_rows, "sha256": digest.hexdigest()}
        for name, text in _papers(chosen, files):
            archive.writestr(name, text)
        yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What a ZIP is written into while its bytes are taken out at the other end: nothing is ever read back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        found, self._parts = b"".join(self._parts), []
        return found


def _contents(chains: Collection[str] | None) -> Iterator[tuple[str, Iterator[Any]]]:
    yield "entries.jsonl", records.entries(chains)
    yield "heads.jsonl", records.heads(chains)
    yield "seals.jsonl", records.seals()
    yield "sealed_heads.jsonl", records.sealed_heads(chains)


def _lines(rows: Iterable[Any]) -> Iterator[tuple[bytes, int]]:
    """Yield batches of JSON lines, and how many rows each holds."""
    batch: list[str] = []
    for row in rows:
        batch.append(json.dumps(row._asdict(), separators=(",", ":")) + "\n")
        if len(batch) == BATCH:
            yield "".join(batch).encode("ascii"), BATCH
            batch = []
    yield "".join(batch).encode("ascii"), len(batch)


def _papers(chains: Collection[str] | None, files: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    manifest = {
        "format": verifier.FORMAT,
        "made_at": ledger.utc(timezone.now()),
        "made_by": settings.DESK_URL,
        "chains": None if chains is None else sorted(chains),
        "files": files,
    }
    yield "manifest.json", json.dumps(manifest, indent=2) + "\n"
    yield "README.txt", README.read_text()
    yield "verify.py", inspect.getsource(verifier)
