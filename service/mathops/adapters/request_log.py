"""The rotating request log: one line of JSON a record, right with several writing processes."""

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from concurrent_log_handler import ConcurrentRotatingFileHandler

from mathops.errors import StartupError
from mathops.record import Record


class _Handler(ConcurrentRotatingFileHandler):
    def do_write(self, msg: str) -> None:
        # A line that a killed process or a full disk cut off stays alone, so that it spoils no other.
        super().do_write("\n" + msg if self._cut_off() else msg)

    def _cut_off(self) -> bool:
        with open(self.baseFilename, "a+b") as file:  # noqa: PTH123 - logging gives a text
            if file.tell() == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        # What the stream still holds belongs to requests that are refused.
        stream, self.stream = self.stream, None
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
        # logging swallows what goes wrong; here a line that is not written withholds the answer.
        raise  # noqa: PLE0704 - logging calls this while it handles the exception


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
        self._handler = _Handler(str(path), maxBytes=size, backupCount=backups, encoding="utf-8")

    def write(self, records: Sequence[Record]) -> None:
        """Append one line for each record; raises OSError."""
        if records:
            lines = b"\n".join(map(msgspec.json.encode, records)).decode()
            self._handler.emit(logging.LogRecord("requests", logging.INFO, "", 0, lines, None, None))
