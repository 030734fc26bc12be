"""A small disk for the journal, to be filled."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A journal of some hundred requests a second grows by a quarter of that.
_BYTES_A_SECOND = 1024 * 1024
_LEAST_BYTES = 64 * 1024 * 1024


class NoSmallDisk(Exception):
    """It cannot be mounted here."""


@contextmanager
def small_disk(folder: Path, seconds: float) -> Iterator[Path]:
    """Mount one at `folder`, large enough for so many seconds; raises NoSmallDisk."""
    folder.mkdir(parents=True, exist_ok=True)
    size = _LEAST_BYTES + int(seconds * _BYTES_A_SECOND)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        outcome = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoSmallDisk("there is no mount command here") from None
    if outcome.returncode:
        raise NoSmallDisk(f"a tmpfs cannot be mounted at {folder}, which takes root on Linux: {outcome.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[Callable[[], None]]:
    """Leave no byte free on the disk of `folder`; what is given takes again what has become free since."""
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as file:
            free = os.statvfs(folder)
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), file.tell(), free.f_bavail * free.f_frsize)
            # The service writes meanwhile, and what is foreseen is not always what is left.
            with suppress(OSError):
                while True:
                    file.write(b"\0" * 4096)

    try:
        fill()
        yield fill
    finally:
        filler.unlink(missing_ok=True)
