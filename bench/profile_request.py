"""Time spent in each module while the application handles 20,000 requests of /pow.

The application runs in this process, without server and network; its journal is the real process. The profiler slows
small functions more than large ones: read totals from the first lines and shares from the table.
"""

import asyncio
import cProfile
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvloop
from starlette.types import ASGIApp, Message
from starlette_baseline import app as baseline_app

from mathops.bootstrap import open_resources
from mathops.server import master
from mathops.server.web_worker import tune_gc
from mathops.settings import Settings
from mathops.telemetry import logs
from mathops.telemetry.tracing_setup import start_tracing
from mathops.web.app import create_app

REQUESTS = 20_000
CONCURRENCY = 32


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    return


async def send_requests(app: ASGIApp, token: str, count: int) -> None:
    """Send `count` requests to `app`, CONCURRENCY at a time."""
    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + token.encode())]
    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "GET", "path": "/pow"}
    scope |= {"raw_path": b"/pow", "query_string": b"base=2&exp=5", "root_path": "", "client": ("127.0.0.1", 1)}
    for _ in range(count // CONCURRENCY):
        await asyncio.gather(*(app({**scope, "headers": headers}, _receive, _send) for _ in range(CONCURRENCY)))


async def measure(folder: Path) -> None:
    """Print the table."""
    logs.configure("error", "json")
    settings = Settings(data_dir=folder)
    master.prepare(settings)
    tracing = start_tracing()
    app = create_app(settings, open_resources, tracing=tracing)
    async with open_resources(settings, tracing=tracing) as app.state.resources:
        token = app.state.resources.tokens.issue("bench", ["math"])
        tune_gc()
        for name, measured in (("Starlette", baseline_app), ("mathops", app)):
            await send_requests(measured, token, REQUESTS // 4)
            started = time.process_time()
            await send_requests(measured, token, REQUESTS)
            microseconds = (time.process_time() - started) / REQUESTS * 1e6
            print(f"{name}: {microseconds:.1f} µs of processor time of this process per request")
        profile = cProfile.Profile()
        profile.enable()
        await send_requests(app, token, REQUESTS)
        profile.disable()
    _table(profile)


def _table(profile: cProfile.Profile) -> None:
    seconds_by_module: dict[str, float] = defaultdict(float)
    for entry in profile.getstats():
        seconds_by_module[_module(entry.code)] += entry.inlinetime
    total = sum(seconds_by_module.values())
    print("\n| module | share |\n|---|---:|")
    for name, seconds in sorted(seconds_by_module.items(), key=lambda item: item[1], reverse=True)[:25]:
        print(f"| {name} | {seconds / total:.1%} |")


def _module(code: object) -> str:
    file = getattr(code, "co_filename", None)
    if file is None:
        return "built in"
    parts = Path(file).parts
    for root in ("site-packages", "service"):
        if root in parts:
            return "/".join(parts[parts.index(root) + 1 :])
    return "/".join(parts[-2:])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mathops-bench-") as scratch:
        uvloop.run(measure(Path(scratch)))
