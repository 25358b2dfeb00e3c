"""The desk's WSGI application with one address more, which tells what this process's memory is like."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable
from typing import Any

from config.wsgi import application as desk
from tests.bench.ingest import processes

ADDRESS = "/bench/memory"


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] != ADDRESS:
        return desk(environ, start_response)
    found = processes.resident(os.getpid())
    gc.collect()
    collected = processes.resident(os.getpid())
    body = json.dumps({"found": found, "collected": collected, "n_objects": len(gc.get_objects())}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
