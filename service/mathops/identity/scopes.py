"""The scopes of tokens."""

from mathops.operations import OPERATIONS, Operation

MATH, HISTORY = "math", "history"
# Granted where none is named.
DEFAULT_SCOPES = (MATH, HISTORY)


def operation_scope(operation: Operation) -> str:
    """The scope of one operation; MATH includes those of all."""
    return f"{MATH}:{operation.name}"


SCOPES = (MATH, *map(operation_scope, OPERATIONS), HISTORY)
