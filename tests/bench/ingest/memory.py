"""Does a web process's memory stay flat? One granian process with the desk, looked at every so many deliveries."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.ingest import load, servers, signed

APPLICATION = "tests.bench.ingest.memory_probe:application"
ADDRESS = "/bench/memory"
# It fills its caches and its pool first.
SETTLED_AFTER = 0.2
NO_END = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A process after so many deliveries: resident bytes as found and after a full collection, objects alive."""

    n_deliveries: int
    found: int
    collected: int
    n_objects: int


def watch(database: servers.Database, clients: int, threads: int, deliveries: int) -> Iterator[Sample]:
    """Post new sessions, and yield a sample before, after each tenth, and at the end."""
    step = max(1, deliveries // 10)
    with servers.desk(database, servers.Size(1, threads), APPLICATION) as web:
        yield _sample(web.port, 0)
        for n_sent in range(step, step * 10 + 1, step):
            requests = [one.request for one in signed.new_sessions(step)]
            load.drive(web.port, requests, clients=clients, seconds=NO_END, expected=signed.ACCEPTED)
            yield _sample(web.port, n_sent)


def growth(samples: list[Sample]) -> float:
    """Return by what part the collected memory grew between the first fifth of the deliveries and the last one."""
    settled = samples[-1].n_deliveries * SETTLED_AFTER
    base = next(one for one in samples if one.n_deliveries >= settled)
    return samples[-1].collected / base.collected - 1


def _sample(port: int, n_deliveries: int) -> Sample:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", ADDRESS)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return Sample(n_deliveries, **answer)
