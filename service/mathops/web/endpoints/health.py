"""Probes, version and metrics."""

import asyncio
import platform
import socket
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops import __version__
from mathops.models import encode_json
from mathops.telemetry import metrics
from mathops.web.context import NO_STORE, context_of
from mathops.web.negotiation import JSON


class Version(Struct):
    """The running version and its host."""

    version: Annotated[str, Meta(description="version of the service")]
    revision: Annotated[str, Meta(description="commit of the image; unknown outside an image")]
    created: Annotated[str, Meta(description="time of the build or of its commit; unknown outside an image")]
    python: Annotated[str, Meta(description="version of Python")]
    instance: Annotated[str, Meta(description="host name, in Kubernetes the name of the pod")]


# Checks nothing: the port is open only once startup is complete, and a restart would fix nothing else.
alive = JSONResponse({"status": "ok"}, headers=NO_STORE)


async def ready(request: Request) -> Response:
    """200 while requests can be answered and stored; a failed dependency only degrades the service."""
    resources = context_of(request.scope).resources
    error = await resources.journal.check()
    dependencies = {name: check() for name, check in resources.dependencies.items()}
    if resources.draining:
        status = "draining"
    elif error:
        status = "unavailable"
    else:
        status = "ready" if all(state == "ok" for state in dependencies.values()) else "degraded"
    body = {
        "status": status,
        "checks": {"journal": error or "ok", **dependencies},
        "login": "demo: anyone may log in" if resources.settings.demo else "users file",
    }
    return JSONResponse(body, 200 if status in ("ready", "degraded") else 503, headers=NO_STORE)


async def version(request: Request) -> Response:
    settings = context_of(request.scope).resources.settings
    running = Version(
        __version__, settings.image_revision, settings.image_created, platform.python_version(), socket.gethostname()
    )
    return Response(encode_json(running), headers=NO_STORE, media_type=JSON)


async def metrics_page(request: Request) -> Response:
    """Prometheus text format; rendering takes milliseconds, so it leaves the event loop."""
    text, media_type = await asyncio.to_thread(metrics.exposition, request.headers.get("accept", ""))
    return Response(text, headers={**NO_STORE, "Content-Type": media_type})
