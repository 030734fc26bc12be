"""The service's own clock, which a fault sets.

libfaketime breaks time.sleep() of Python 3.11, which waits until an absolute monotonic time.
"""

import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class ClockError(Exception):
    """The clock cannot be built."""


class ServiceClock:
    """The wall clock of all processes of the service; the monotonic clock stays as it is."""

    def __init__(self, folder: Path) -> None:
        """Raises ClockError."""
        library, self._file = folder / "clock.so", folder / "clock"
        build = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
        try:
            subprocess.run(build, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise ClockError("no C compiler found (cc)") from None
        except subprocess.CalledProcessError as error:
            raise ClockError(error.stderr) from None
        self.set_ahead(0)
        self.variables = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}

    def set_ahead(self, seconds: int) -> None:
        # In place, because the processes have mapped the file.
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
