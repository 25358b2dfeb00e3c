"""Starts workers in no time: each line read is answered by the id of a new process that runs the real command.

    python -m tests.notifications.workers 2.0

The number is the seconds of a lease, which five minutes are otherwise: a test does not wait for so long. All that was
started ends with the input.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from datetime import timedelta

import django


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from config.management.commands import worker  # noqa: F401 - what each would have to load
    from notifications import leases, sending

    # The server of a busy machine may be slow, and is still there.
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 60
    leases.LEASE = timedelta(seconds=float(sys.argv[1]))
    # Small batches, so that each of two has its share of a few hundred messages.
    sending.send_due.__defaults__ = (100,)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started = []
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            call_command("worker", interval=0.05)
            os._exit(0)
        started.append(pid)
        print(pid, flush=True)  # noqa: T201
    for pid in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
