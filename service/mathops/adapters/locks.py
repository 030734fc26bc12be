"""A lock between processes."""

import fcntl
from pathlib import Path
from typing import IO


class FileLock:
    """Held by one process at a time, by flock: fair, and free again when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()
