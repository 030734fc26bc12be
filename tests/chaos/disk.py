"""A small disk for the journal, which a fault fills."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Four times the growth of a journal at some hundred requests per second.
_BYTES_PER_SECOND = 1024 * 1024
_MIN_BYTES = 64 * 1024 * 1024


class MountError(Exception):
    """The disk cannot be mounted."""


@contextmanager
def small_disk(folder: Path, seconds: float) -> Iterator[Path]:
    """Mount a tmpfs at `folder`, large enough for `seconds` of load; raises MountError."""
    folder.mkdir(parents=True, exist_ok=True)
    size = _MIN_BYTES + int(seconds * _BYTES_PER_SECOND)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        outcome = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MountError("no mount command found") from None
    if outcome.returncode:
        raise MountError(f"a tmpfs cannot be mounted at {folder}; that needs root on Linux: {outcome.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[Callable[[], None]]:
    """Fill the disk of `folder`; the yielded function fills it again after space was freed."""
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as file:
            free = os.statvfs(folder)
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), file.tell(), free.f_bavail * free.f_frsize)
            # The service writes concurrently, so the free space measured above may be out of date.
            with suppress(OSError):
                while True:
                    file.write(b"\0" * 4096)

    try:
        fill()
        yield fill
    finally:
        filler.unlink(missing_ok=True)
