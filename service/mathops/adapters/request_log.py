"""The rotating request log: one line of JSON a record, right with several writing processes."""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
from concurrent_log_handler import ConcurrentRotatingFileHandler

from mathops.record import Record


class _Handler(ConcurrentRotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        # logging swallows what goes wrong; here a line that is not written withholds the answer.
        raise  # noqa: PLE0704 - logging calls this while it handles the exception


class RequestLog:
    """Appends records to `path`; at `size` bytes it is renamed, and `backups` of those are kept."""

    def __init__(self, path: Path, size: int, backups: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = _Handler(str(path), maxBytes=size, backupCount=backups, encoding="utf-8")

    def write(self, records: Sequence[Record]) -> None:
        """Append one line for each record; raises OSError."""
        if records:
            lines = b"\n".join(map(msgspec.json.encode, records)).decode()
            self._handler.emit(logging.LogRecord("requests", logging.INFO, "", 0, lines, None, None))
