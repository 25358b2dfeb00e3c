"""The demo's children: each in a process group of its own, all gone when the demo is, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_STOPS_WITHIN = 6.0
# Waits for the end of its input, which comes even when the demo is killed, and then ends the groups that are left.
_GUARD = """
each() { for group in "$@"; do kill -s "$signal" -- "-$group" 2>/dev/null; done; }
cat >/dev/null; signal=TERM; each "$@"; sleep 5; signal=KILL; each "$@"
"""


@dataclass(slots=True)
class Child:
    """One process and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self, n_lines: int = 15) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-n_lines:])


class Children:
    """Starts processes, and ends them all on the way out."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, cwd: Path) -> None:
        self._folder, self._environment, self._cwd = folder, dict(environment), cwd
        self._children: list[Child] = []
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start one more. Ctrl-C in the terminal does not reach it: the demo ends it in its turn."""
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                list(arguments),
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        self._guard_again()
        return child

    def dead(self) -> Child | None:
        """Return a child that has ended by itself, if there is one."""
        return next((child for child in self._children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """End every child, politely first. Return when none is left."""
        _signal(self._children, signal.SIGTERM)
        deadline = time.monotonic() + _STOPS_WITHIN
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        # Also for what a child left behind in its group.
        _signal(self._children, signal.SIGKILL)
        for child in self._children:
            child.process.wait()
        self._children.clear()
        self._dismiss_guard()

    def _guard_again(self) -> None:
        self._dismiss_guard()
        groups = [str(child.process.pid) for child in self._children]
        self._guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _GUARD, "guard", *groups], stdin=subprocess.PIPE, start_new_session=True
        )

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


def _signal(children: Sequence[Child], number: int) -> None:
    for child in children:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)
