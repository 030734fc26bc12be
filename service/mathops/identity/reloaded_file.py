"""The content of a file that operators may replace while the service runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from mathops.errors import StartupError
from mathops.telemetry.logs import get_logger

Content = TypeVar("Content")

RELOAD_SECONDS = 2.0

log = get_logger(__name__)


class ReloadedFile(Generic[Content]):
    """`content` is what `read` returns for the file; `generation` counts its changes. Raises StartupError."""

    def __init__(self, path: Path, read: Callable[[Path], Content], reload_seconds: float = RELOAD_SECONDS) -> None:
        self._path = path
        self._read = read
        self._reload_seconds = reload_seconds
        self._checked_at = 0.0
        # None while the file is invalid.
        self._stamp: tuple[int, int] | None = None
        self.generation = 0
        self.content: Content
        self._load()

    def refresh(self) -> None:
        """Read the file again if it has changed, at most every `reload_seconds`; keep the content of an invalid one."""
        now = time.monotonic()
        if now - self._checked_at < self._reload_seconds:
            return
        self._checked_at = now
        try:
            if self._stat() != self._stamp:
                self._load()
        except (OSError, StartupError) as error:
            if self._stamp is not None:
                log.warning("file is invalid, keeping its last content", path=str(self._path), error=str(error))
            self._stamp = None

    def state(self) -> str:
        """`ok` or `invalid`."""
        self.refresh()
        return "invalid" if self._stamp is None else "ok"

    def _stat(self) -> tuple[int, int]:
        # Of the target: Kubernetes replaces the content of a mounted Secret through a symbolic link.
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino

    def _load(self) -> None:
        stamp = self._stat() if self._path.exists() else None
        self.content = self._read(self._path)
        self._stamp = stamp
        self.generation += 1
