"""The scopes of tokens."""

from collections.abc import Iterable

from mathops.operations import OPERATIONS, Operation
from mathops.settings_source import METRICS

MATH, HISTORY = "math", "history"
# Of OAuth clients that may examine the tokens of others.
INTROSPECT = "introspect"
# Granted where none is named.
DEFAULT_SCOPES = (MATH, HISTORY)


def operation_scope(operation: Operation) -> str:
    """The scope of one operation; MATH includes those of all."""
    return f"{MATH}:{operation.name}"


SCOPES = (MATH, *map(operation_scope, OPERATIONS), HISTORY, INTROSPECT, METRICS)


def includes(allowed: Iterable[str], scopes: Iterable[str]) -> bool:
    """Whether `allowed` permits all of `scopes`."""
    permitted = set(allowed)
    if MATH in permitted:
        permitted.update(map(operation_scope, OPERATIONS))
    return permitted.issuperset(scopes)
