"""A lock between processes."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """Held by one process at a time, by flock: fair, and free again when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> None:
        # Not by open(), whose file object asks the system four more questions, twice in each commit.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
