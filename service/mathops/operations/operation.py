"""What an operation is: a name, parameters with bounds, a predicted size, and a computation."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gmpy2 import mpz

from mathops.errors import InvalidParameter

# CPython's own guard for int(str); a longer text is refused before it reaches int().
MAX_PARAMETER_DIGITS = 4300
# Added to every predicted bit count, so that rounding in floats never predicts below the truth.
ADMISSION_BITS = 2
_DIGITS_PER_BIT = math.log10(2)

# The canonical text of an integer, so that equal integers have equal texts.
_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Result:
    """An exact integer as ASCII text: decimal digits with an optional minus sign."""

    text: bytes
    digits: int

    @classmethod
    def of(cls, text: bytes) -> "Result":
        """Count the digits of `text`."""
        return cls(text, len(text) - text.startswith(b"-"))

    @property
    def sha256(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class Parameter:
    """One integer parameter; `minimum` is inclusive, None means unbounded."""

    name: str
    description: str
    example: int
    minimum: int | None = None

    def fault(self, text: str | None) -> str | None:
        """Say in a sentence what is wrong with `text`, or with its absence; None when all is well."""
        if text is None:
            return "this parameter is missing"
        if len(text) > MAX_PARAMETER_DIGITS:
            return f"send at most {MAX_PARAMETER_DIGITS} digits, not {len(text)} characters"
        if not _INTEGER.fullmatch(text):
            return "send an integer in decimal digits, such as 42, without sign +, blanks or leading zeros"
        if self.minimum is not None and int(text) < self.minimum:
            return f"send an integer of at least {self.minimum}"
        return None


@dataclass(frozen=True)
class Operation:
    """One operation; route, documentation, metric labels, cache key and subcommand all follow from it.

    `bits(*integers)` is an upper bound of the result's size in bits (inf when beyond floats);
    `compute(*integers)` is the exact result. Both are module-level functions of as many integers
    as there are parameters.
    """

    name: str
    alias: str
    summary: str
    parameters: tuple[Parameter, ...]
    bits: Callable[..., float]
    compute: Callable[..., mpz]

    @property
    def paths(self) -> tuple[str, str]:
        """The route and its long name."""
        return f"/{self.name}", f"/{self.alias}"

    def parse(self, values: Mapping[str, str]) -> tuple[int, ...]:
        """Turn texts into integers in the order of `parameters`.

        Raises InvalidParameter with every fault at once.
        """
        faults = []
        integers = []
        for parameter in self.parameters:
            if fault := parameter.fault(values.get(parameter.name)):
                faults.append((parameter.name, fault))
            else:
                integers.append(int(values[parameter.name]))
        if faults or len(values) != len(integers):
            known = {parameter.name for parameter in self.parameters}
            faults += [(name[:64], "this parameter is not known here") for name in values if name not in known]
            raise InvalidParameter(faults)
        return tuple(integers)

    def predicted_digits(self, *integers: int) -> float:
        """Upper bound of the result's decimal digits; inf when beyond floats."""
        return digits_of(self.bits(*integers))

    def result(self, *integers: int) -> Result:
        """Compute exactly and write in decimal."""
        return Result.of(self.compute(*integers).digits().encode("ascii"))


def digits_of(bits: float) -> float:
    """Decimal digits that `bits` binary digits can need."""
    return bits if bits == math.inf else int(bits * _DIGITS_PER_BIT) + 1
