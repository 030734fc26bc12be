"""The content of a file that operators may replace while the service runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

from mathops.errors import StartupError
from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger

Content = TypeVar("Content")

RELOAD_SECONDS = 2.0

log = get_logger(__name__)


class ReloadedFile(Generic[Content]):
    """`content` is what `read` returns for the file; `generation` counts its changes. Raises StartupError.

    `kind` names the file in metrics.
    """

    def __init__(
        self, kind: str, path: Path, read: Callable[[Path], Content], reload_seconds: float = RELOAD_SECONDS
    ) -> None:
        self._invalid = metrics.FILE_INVALID.labels(kind)
        self._path = path
        self._read = read
        self._reload_seconds = reload_seconds
        self._checked_at = 0.0
        # Of the last attempt to read; None if there was no file.
        self._stamp: tuple[int, ...] | None = None
        self.generation = 0
        self.content: Content
        self._load()

    def refresh(self) -> None:
        """Read the file again if it has changed, at most every `reload_seconds`; keep the content of an invalid one."""
        now = time.monotonic()
        if now - self._checked_at < self._reload_seconds:
            return
        self._checked_at = now
        if self._stat() == self._stamp:
            return
        try:
            self._load()
            log.info("file read again after a change", path=str(self._path))
        except StartupError as error:
            self._set_valid(False)
            log.warning("file is invalid, keeping its last content", path=str(self._path), error=str(error))

    def state(self) -> str:
        """`ok` or `invalid`."""
        self.refresh()
        return "ok" if self._valid else "invalid"

    def _stat(self) -> tuple[int, ...] | None:
        # Of the target: Kubernetes replaces the content of a mounted Secret through a symbolic link.
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _load(self) -> None:
        self._stamp = self._stat()
        self.content = self._read(self._path)
        self._set_valid(True)
        self.generation += 1

    def _set_valid(self, valid: bool) -> None:
        self._valid = valid
        self._invalid.set(not valid)


@asynccontextmanager
async def refreshing(*refresh: Callable[[], None]) -> AsyncIterator[None]:
    """Call the methods `refresh` of files regularly: log and metrics report a broken file without requests too."""
    task = asyncio.create_task(_refresh_forever(refresh))
    try:
        yield
    finally:
        task.cancel()


async def _refresh_forever(refresh: Sequence[Callable[[], None]]) -> None:
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        for call in refresh:
            call()
