"""What the relay asks of a broker of events."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One event as Kafka carries it; `key` decides the partition, within which order holds."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class Refused(Exception):
    """The broker will not take a message, now or later."""


class Broker(Protocol):
    """Where events go."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once all are stored; raises Refused, or anything else when it is worth trying again."""
