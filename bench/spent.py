"""What one request spends where: time inside each module while the application answers /pow 20,000 times.

The application runs in this process, without a server and a network; its journal is the real process.
A profiler slows small functions more than large ones: take the total from the first lines, shares from the table.
"""

import asyncio
import cProfile
import tempfile
import time
from collections import Counter
from pathlib import Path

import uvloop
from bare import app as bare_app
from starlette.types import ASGIApp, Message

from mathops.bootstrap import open_resources
from mathops.server import master
from mathops.server.web_worker import tune_gc
from mathops.settings import Settings
from mathops.web.app import create_app

REQUESTS = 20_000
AT_ONCE = 32


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    return


async def answer(app: ASGIApp, token: str, count: int) -> None:
    """Let `app` answer `count` requests, AT_ONCE at a time."""
    fields = [(b"host", b"localhost"), (b"authorization", b"Bearer " + token.encode())]
    common = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "GET", "path": "/pow"}
    common |= {"raw_path": b"/pow", "query_string": b"base=2&exp=5", "root_path": "", "client": ("127.0.0.1", 1)}
    for _ in range(count // AT_ONCE):
        await asyncio.gather(*(app({**common, "headers": fields}, _receive, _send) for _ in range(AT_ONCE)))


async def measure(folder: Path) -> None:
    """Print the table."""
    settings = Settings(data_dir=folder)
    master.prepare(settings)
    app = create_app(settings, open_resources)
    async with open_resources(settings) as app.state.resources:
        token = app.state.resources.tokens.make("bench", ["math"])
        tune_gc()
        for name, measured in (("bare", bare_app), ("mathops", app)):
            await answer(measured, token, REQUESTS // 4)
            started = time.process_time()
            await answer(measured, token, REQUESTS)
            print(f"{name}: {(time.process_time() - started) / REQUESTS * 1e6:.1f} µs of this process a request")
        profile = cProfile.Profile()
        profile.enable()
        await answer(app, token, REQUESTS)
        profile.disable()
    _table(profile)


def _table(profile: cProfile.Profile) -> None:
    spent: Counter[str] = Counter()
    for entry in profile.getstats():
        spent[_module(entry.code)] += entry.inlinetime
    total = sum(spent.values())
    print("\n| module | share |\n|---|---:|")
    for name, seconds in spent.most_common(25):
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
