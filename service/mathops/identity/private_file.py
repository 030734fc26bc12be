"""Files with secrets that commands change while the service reads them; errors name their `kind`, such as keys."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mathops.errors import StartupError


@contextmanager
def locked(path: Path, kind: str) -> Iterator[None]:
    """Exclude other commands that change the file, and create its folder; raises StartupError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.parent / f"{path.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if path.exists():
            # The folder of a mounted Secret is read-only, and its file needs no lock.
            yield
            return
        raise StartupError(f"{kind} file {path} cannot be created: {error}") from None
    with os.fdopen(descriptor) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, text: str, kind: str) -> None:
    """Replace the content at once, with mode 0600; the caller holds the lock. Raises StartupError."""
    draft = path.with_name(f"{path.name}.new")
    try:
        # Left by a process that was killed or found the disk full; the lock excludes other writers.
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StartupError(f"{kind} file {path} cannot be written: {error}") from None
