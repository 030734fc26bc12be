"""Checks of single claims, the same for own tokens and those of external issuers."""

import math
from typing import Any, TypeGuard


def is_name(value: Any) -> TypeGuard[str]:
    """Whether `value` is text that every store accepts: control characters and lone surrogates are not printable."""
    return isinstance(value, str) and bool(value) and value.isprintable()


def is_time(value: Any) -> TypeGuard[float]:
    """Whether `value` is a NumericDate. Python's JSON decoder accepts NaN and Infinity, and bool is an int."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def names_audience(claim: Any, audience: str) -> bool:
    """Whether the claim `aud`, a text or a list, contains `audience`."""
    return audience in (claim if isinstance(claim, list) else [claim])
