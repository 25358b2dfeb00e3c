"""The limit: pgbench writes the same rows as the desk, as one prepared statement per commit."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests import postgres
from tests.bench.ingest import signed
from tests.bench.ingest.servers import Database

SCRIPT = Path(__file__).with_name("same_writes.sql")
OUR_TABLES = """
SELECT relname FROM pg_stat_user_tables WHERE relname LIKE 'kyc\\_%' OR relname LIKE 'notifications\\_%' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Commits:
    """What one run of pgbench came to."""

    number: int
    rate: float


def pgbench(database: Database, clients: int, *, seconds: int = 0, commits: int = 0) -> Commits:
    """Commit the same writes over and over, for some seconds or so many times in each client."""
    size = ["-T", str(seconds)] if seconds else ["-t", str(commits)]
    program = f"{postgres.find_programs()}/pgbench"
    command = [program, "-n", "-M", "prepared", "-f", str(SCRIPT), "-c", str(clients), "-j", "2"]
    values = [f"-D{name}={value}" for name, value in _values().items()]
    done = subprocess.run(
        [*command, *values, *size, database.url], capture_output=True, text=True, check=False
    )
    number = re.search(r"actually processed: (\d+)", done.stdout)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or number is None or rate is None:
        raise SystemExit(f"pgbench did not run: {done.stderr}")
    return Commits(int(number[1]), float(rate[1]))


def rows(database: Database) -> dict[str, int]:
    """Return how many rows each of the desk's tables holds."""
    names = [str(row[0]) for row in database.execute(OUR_TABLES)]
    return {name: int(str(database.execute(f"SELECT count(*) FROM {name}")[0][0])) for name in names}


def _values() -> dict[str, str]:
    """Return what a client sends with each commit: one delivery's bytes and texts."""
    ids = {"delivery": 1, "event": str(uuid4()), "sha256": "0" * 64, "said": "REVIEW", "state": "REVIEW"}
    return {
        "body": "\\x" + signed.example_body().hex(),
        "headers": json.dumps(
            {"X-Signature": "0" * 64, "Content-Type": "application/json", "Content-Length": "2998"}
        ),
        "data": json.dumps(signed.check_data("face-matching"), separators=(",", ":")),
        "detail": json.dumps(ids | {"round": 1, "version": 1}, separators=(",", ":")),
    }
