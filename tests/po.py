"""Message catalogues as tests read them: no tool of gettext is needed for it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Entry:
    """One message. `strings` are its translations: one, or one for each plural form."""

    context: str = ""
    id: str = ""
    plural: str = ""
    strings: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.context, self.id, self.plural


WORDS = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")')


def read(path: Path) -> list[Entry]:
    """Return a catalogue's messages, without its header and what is obsolete."""
    blocks = re.split(r"\n\s*\n", path.read_text())
    entries = [_entry(block) for block in blocks]
    return [entry for entry in entries if entry.id]


def _entry(block: str) -> Entry:
    entry, parts, name = Entry(), {}, ""
    for line in block.splitlines():
        if line.startswith("#,"):
            entry.flags |= {flag.strip() for flag in line[2:].split(",")}
        elif found := WORDS.fullmatch(line):
            name = found[1]
            parts[name] = ast.literal_eval(found[2])
        elif line.startswith('"'):
            parts[name] += ast.literal_eval(line)
    entry.context, entry.id = parts.pop("msgctxt", ""), parts.pop("msgid", "")
    entry.plural = parts.pop("msgid_plural", "")
    entry.strings = list(parts.values())
    return entry
