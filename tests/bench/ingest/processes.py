"""Processor time and memory of a process and all its children, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# How PostgreSQL names a process that serves a client over TCP.
_BACKEND = re.compile(rb"postgres: \S+ \S+ [0-9.]+\(\d+\)")


def spent(root: int) -> float:
    """Return the seconds of processor time that a process, its children and those already gone have used."""
    table = _table()
    return sum(sum(table[pid][1:]) for pid in family(root, table)) * _TICK


def spent_by_backends(postmaster: int) -> float:
    """Return the seconds that a PostgreSQL server's processes for its clients have used, as far as they are alive."""
    table = _table()
    return sum(sum(table[pid][1:]) for pid in family(postmaster, table) if _is_backend(pid)) * _TICK


def family(root: int, table: dict[int, tuple[int, ...]] | None = None) -> list[int]:
    """Return a process and all that descend from it, parents first."""
    table = table or _table()
    found = [root]
    for parent in found:
        found += [pid for pid, row in table.items() if row[0] == parent]
    return found


def resident(pid: int) -> int:
    """Return the bytes of a process's memory that are resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _is_backend(pid: int) -> bool:
    try:
        return _BACKEND.match(Path(f"/proc/{pid}/cmdline").read_bytes()) is not None
    except OSError:
        return False


def _table() -> dict[int, tuple[int, ...]]:
    """Return each process's parent, and its own and its waited-for children's ticks in user and system mode."""
    found = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal():
            continue
        try:
            text = (place / "stat").read_text()
        except OSError:
            continue  # It ended in between.
        # The program's name may hold spaces; what follows its closing bracket does not.
        fields = text.rpartition(")")[2].split()
        found[int(place.name)] = (int(fields[1]), *(int(ticks) for ticks in fields[11:15]))
    return found
