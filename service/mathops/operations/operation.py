"""Operation: a name, parameters with bounds, a predicted size, and a computation."""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gmpy2 import mpz

from mathops.errors import InvalidParameter

# CPython's own limit for int(str); a longer text is rejected before it reaches int().
MAX_PARAMETER_DIGITS = 4300
# Added to every predicted bit count, because float rounding could predict too few.
ROUNDING_MARGIN_BITS = 2
_DIGITS_PER_BIT = math.log10(2)
# GMP takes about 7 ns per bit to compute and 30 ns per bit to convert to decimal (10 Mbit, 2020s core).
_SECONDS_PER_DIGIT = 37e-9 / _DIGITS_PER_BIT
# Longer than every deadline, and small enough to be charged as milliseconds.
_MAX_SECONDS = 86_400.0
UNKNOWN_PARAMETER = "this parameter is unknown"

# Only the canonical text of an integer, so that equal integers have equal texts.
_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


def seconds_by_size(digits: float) -> float:
    """Processor time of arithmetic with a result of `digits` digits, and of its conversion to decimal."""
    return digits * _SECONDS_PER_DIGIT


@dataclass(frozen=True, slots=True)
class Result:
    """An exact integer as ASCII text: decimal digits with an optional minus sign."""

    text: bytes
    digits: int
    known_sha256: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, text: bytes, known_sha256: str | None = None) -> "Result":
        return cls(text, len(text) - text.startswith(b"-"), known_sha256)

    @classmethod
    def from_integer(cls, integer: mpz) -> "Result":
        return cls.of(integer.digits().encode("ascii"))

    @property
    def sha256(self) -> str:
        """Of the text, in hex."""
        return self.known_sha256 or hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class Parameter:
    """One integer parameter; `minimum` is inclusive, None means unbounded."""

    name: str
    description: str
    example: int
    minimum: int | None = None

    def parse(self, text: str | None) -> int:
        """Raises ValueError with a message for the caller."""
        if text is None:
            raise ValueError("this parameter is missing")
        if len(text) > MAX_PARAMETER_DIGITS:
            raise ValueError(f"send at most {MAX_PARAMETER_DIGITS} digits, not {len(text)} characters")
        if not _INTEGER.fullmatch(text):
            raise ValueError("send an integer in decimal digits, such as 42, without +, spaces or leading zeros")
        value = int(text)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"send an integer of at least {self.minimum}")
        return value


@dataclass(frozen=True)
class Operation:
    """One operation; routes, documentation, metric labels, cache key and subcommand derive from it.

    `bits(*integers)` is an upper bound of the result's size in bits or raises OverflowError. `seconds(*integers)`
    predicts the processor time of a computation or raises OverflowError; with None the size of the result predicts it.
    `compute(*integers)` is the exact result, a module-level function, so that other processes can import it.
    """

    name: str
    alias: str
    summary: str
    parameters: tuple[Parameter, ...]
    bits: Callable[..., float]
    seconds: Callable[..., float] | None
    compute: Callable[..., mpz]

    @property
    def paths(self) -> tuple[str, str]:
        return f"/{self.name}", f"/{self.alias}"

    def parse(self, values: Mapping[str, str]) -> tuple[int, ...]:
        """The integers in the order of `parameters`; raises InvalidParameter with all errors."""
        errors = []
        integers = []
        for parameter in self.parameters:
            try:
                integers.append(parameter.parse(values.get(parameter.name)))
            except ValueError as error:
                errors.append((parameter.name, str(error)))
        if errors or len(values) != len(integers):
            known = {parameter.name for parameter in self.parameters}
            errors += [(name, UNKNOWN_PARAMETER) for name in values if name not in known]
            raise InvalidParameter(errors)
        return tuple(integers)

    def predicted_digits(self, *integers: int) -> float:
        """Upper bound of the result's decimal digits; inf when beyond floats."""
        try:
            return int(self.bits(*integers) * _DIGITS_PER_BIT) + 1
        except OverflowError:
            return math.inf

    def predicted_seconds(self, digits: float, *integers: int) -> float:
        """Processor time for a result of `digits` digits, at most a day."""
        seconds = seconds_by_size(digits)
        if self.seconds:
            try:
                seconds = max(seconds, self.seconds(*integers))
            except OverflowError:
                return _MAX_SECONDS
        return min(seconds, _MAX_SECONDS)

    def result(self, *integers: int) -> Result:
        return Result.from_integer(self.compute(*integers))
