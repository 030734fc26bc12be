"""Probes, and the metrics."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops.telemetry import metrics
from mathops.web.context import context_of

_NO_STORE = {"Cache-Control": "no-store"}


async def livez(_: Request) -> Response:
    """The process answers; nothing else is asked, for a restart mends nothing else."""
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def startupz(_: Request) -> Response:
    """The service has started: before that nothing listens."""
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def readyz(request: Request) -> Response:
    """200 while requests can be answered and stored; dependencies that are away only degrade."""
    resources = context_of(request.scope).resources
    fault = await resources.journal.check()
    dependencies = {name: tell() for name, tell in resources.dependencies.items()}
    if resources.draining:
        status = "draining"
    elif fault:
        status = "unavailable"
    else:
        status = "ready" if all(state == "ok" for state in dependencies.values()) else "degraded"
    body = {
        "status": status,
        "checks": {"journal": fault or "ok", **dependencies},
        "login": "demo: anyone may log in" if resources.settings.demo else "users file",
    }
    return JSONResponse(body, 200 if status in ("ready", "degraded") else 503, headers=_NO_STORE)


async def metrics_page(request: Request) -> Response:
    """Prometheus' text format; rendered off the event loop, for it takes milliseconds."""
    text, media_type = await asyncio.to_thread(metrics.exposition, request.headers.get("accept", ""))
    return Response(text, headers={**_NO_STORE, "Content-Type": media_type})
