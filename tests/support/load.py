"""Clients that send requests continuously."""

import threading
from collections import Counter
from itertools import count
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx2

from tests.support.server import Server, eventually


class Callers:
    """Threads that run inside a `with` block, until `_ended` is set."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


class Load(Callers):
    """Small requests, each caller with its own connection; `answers` are the statuses by request id."""

    def __init__(self, server: Server, callers: int = 4, pause: float = 0.0) -> None:
        super().__init__()
        self._server = server
        self._headers = server.login()
        self._pause = pause
        self._prefix = f"load-{uuid4()}"
        self._numbers = count()
        self.answers: dict[str, int] = {}
        self._threads = [threading.Thread(target=self._call, args=(name,)) for name in range(callers)]

    @property
    def acknowledged(self) -> set[str]:
        return {name for name, status in self.answers.copy().items() if status == 200}

    def stored(self) -> Counter[str]:
        """Rows of the journal by request id, of this load only."""
        return Counter(row[0] for row in self._server.rows("request_id", f"request_id LIKE '{self._prefix}%'"))

    def more(self, answers: int = 50, seconds: float = 30) -> None:
        """Wait for this number of further results."""
        wanted = len(self.acknowledged) + answers
        eventually(lambda: len(self.acknowledged) >= wanted, seconds)

    def _call(self, caller: int) -> None:
        with httpx2.Client(base_url=self._server.client.base_url, timeout=30) as client:
            while not self._ended.is_set():
                number = next(self._numbers)
                name = f"{self._prefix}-{caller}-{number}"
                try:
                    answer = client.get(
                        f"/pow?base={number % 1000}&exp=5", headers={**self._headers, "X-Request-ID": name}
                    )
                except httpx2.TransportError:
                    # The server is restarting, or has stopped.
                    self._ended.wait(0.05)
                else:
                    self.answers[name] = answer.status_code
                    self._ended.wait(self._pause)
