"""The rotating request log: one JSON line per record, safe with several writing processes."""

import errno
import math
import os
import time
from itertools import pairwise
from pathlib import Path

import msgspec

from mathops.errors import StartupError
from mathops.journal.database.sqlite import FileLock
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# The pause after a failed rotation.
_ROTATION_SECONDS = 60.0


def prepare(path: Path) -> None:
    """Create the file and its folder; raises StartupError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise StartupError(f"the request log {path} cannot be written: {error.strerror}") from None


class RequestLog:
    """Appends lines to `path`; at `size` bytes the file is rotated, and `backups` old files are kept."""

    def __init__(self, path: Path, size: int, backups: int) -> None:
        self._path = path
        self._size = size
        self._backups = backups
        self._rotate_at = -math.inf
        self._lock = FileLock(path.with_name(path.name + ".lock"))

    def write(self, lines: bytes) -> None:
        """Append whole lines, all or none; without lines only check that there is space. Raises OSError."""
        with self._lock:
            if self._append(lines) >= self._size and time.monotonic() >= self._rotate_at:
                self._rotate()

    def _append(self, lines: bytes) -> int:
        # open() would double the number of system calls.
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            start = self._end_of_lines(file)
            try:
                if not lines and not os.fstatvfs(file).f_bavail:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                left = memoryview(lines)
                while left:
                    left = left[os.write(file, left) :]
            except OSError:
                # A full disk writes a part.
                os.ftruncate(file, start)
                raise
        finally:
            os.close(file)
        return start + len(lines)

    def _end_of_lines(self, file: int) -> int:
        """The end of the last whole line; a partial line of a killed process, never acknowledged, is cut off."""
        end = os.fstat(file).st_size
        if end and os.pread(file, 1, end - 1) != b"\n":
            content = self._path.read_bytes()
            start = content.rfind(b"\n") + 1
            if _is_json(content[start:]):
                # Another program has removed the end of the line.
                return end + os.write(file, b"\n")
            end = start
            os.ftruncate(file, end)
        return end

    def _rotate(self) -> None:
        try:
            self._rename()
        except OSError as error:
            # The records are written; the next rotation may succeed.
            log.error("request log cannot be rotated", path=str(self._path), error=str(error))
            self._rotate_at = time.monotonic() + _ROTATION_SECONDS

    def _rename(self) -> None:
        backups = (self._path.with_name(f"{self._path.name}.{number}") for number in range(1, self._backups + 1))
        names = [self._path, *backups]
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)
        self._path.touch()


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True
