"""The rotating request log: one line of JSON a record, right with several writing processes."""

from collections.abc import Sequence
from io import FileIO
from itertools import pairwise
from pathlib import Path

import msgspec

from mathops.adapters.locks import FileLock
from mathops.errors import StartupError
from mathops.record import Record


def prepare(path: Path) -> None:
    """Make the file and its folder; raises StartupError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise StartupError(f"the request log {path} cannot be written: {error.strerror}") from None


class RequestLog:
    """Appends records to `path`; at `size` bytes it is renamed, and `backups` of those are kept."""

    def __init__(self, path: Path, size: int, backups: int) -> None:
        self._path = path
        self._size = size
        self._backups = backups
        self._lock = FileLock(path.with_name(path.name + ".lock"))

    def write(self, records: Sequence[Record]) -> None:
        """Append one line for each record, all or none; raises OSError."""
        if not records:
            return
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        with self._lock:
            if self._append(lines) >= self._size:
                self._rotate()

    def _append(self, lines: bytes) -> int:
        with self._path.open("a+b", buffering=0) as file:
            start = _end_of_lines(file)
            try:
                left = memoryview(lines)
                while left:
                    left = left[file.write(left) :]
            except OSError:
                # A full disk takes a part.
                file.truncate(start)
                raise
            return file.tell()

    def _rotate(self) -> None:
        names = [self._path, *(self._numbered(number) for number in range(1, self._backups + 1))]
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)
        self._path.touch()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _end_of_lines(file: FileIO) -> int:
    """Where the last whole line ends; cuts off what a killed process left unfinished: nobody was answered for that."""
    end = file.tell()
    if end == 0:
        return 0
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        end = file.readall().rfind(b"\n") + 1
        file.truncate(end)
    return end
