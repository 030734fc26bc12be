"""The web worker's server inside gunicorn."""

import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from uvicorn import Config

from mathops.server.web_worker import DrainingServer, WebWorker

pytestmark = pytest.mark.anyio
HOUR = 3600.0


async def test_the_heartbeat_continues_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeats: list[float] = []
    now = time.time()

    async def notify() -> None:
        heartbeats.append(now)

    async def app(*_: Any) -> None: ...

    config = Config(app, callback_notify=notify, timeout_notify=15)
    server = DrainingServer(cast(WebWorker, SimpleNamespace(config=config, ppid=os.getppid())))
    monkeypatch.setattr("time.time", lambda: now)

    await server.on_tick(0)
    now += 2 * HOUR
    await server.on_tick(0)
    now -= 2 * HOUR
    await server.on_tick(0)
    await server.on_tick(0)

    assert len(heartbeats) == 3
