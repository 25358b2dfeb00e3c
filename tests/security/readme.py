"""README's table of roles, as the tests read it."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parent.parent.parent / "README.md"
WORDS = {"yes": True, "–": False}


def roles() -> dict[str, frozenset[str]]:
    """Return who may do what: each row of the table with those who have a yes in it."""
    section = README.read_text().partition("\n## Roles\n")[2].partition("\n## ")[0]
    table = [_cells(line) for line in section.splitlines() if line.startswith("|")]
    heads, rows = table[0][1:], table[2:]
    found = {row[0]: frozenset(_who(heads, row[1:])) for row in rows}
    assert len(found) == len(rows), "A row stands twice."
    return found


def _who(heads: list[str], cells: list[str]) -> list[str]:
    return [head for head, cell in zip(heads, cells, strict=True) if WORDS[cell]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
