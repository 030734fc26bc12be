"""JSON without duplicate members, which parsers read differently."""

import json
from typing import Any


def loads(text: str | bytes) -> Any:
    """Raises ValueError or RecursionError."""
    return json.loads(text, object_pairs_hook=without_duplicates)


def without_duplicates(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Raises ValueError."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate member {next(name for name in names if names.count(name) > 1)!r}")
    return members
