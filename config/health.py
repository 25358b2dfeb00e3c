"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process can answer at all."""
    return JsonResponse({"live": True})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and every migration has been applied; 503 with the cause otherwise."""
    try:
        executor = MigrationExecutor(connection)
        n_waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return JsonResponse({"ready": False, "cause": "The database does not answer."}, status=503)
    if n_waiting:
        cause = f"{n_waiting} migrations have not been applied."
        return JsonResponse({"ready": False, "cause": cause}, status=503)
    return JsonResponse({"ready": True})
