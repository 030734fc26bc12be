"""Span ids that can be foreseen: the relay, in another process and perhaps hours later, finds the span to continue."""

from typing import Any


def of_append(event_id: str) -> int:
    """The id of the span that stored an event: the last 64 bits of the event's UUID, which are never zero."""
    return int(event_id.replace("-", "")[16:], 16)


def of_publish(event_id: str) -> int:
    """The id of the span that published it."""
    return of_append(event_id) ^ 1


class SpanIds:
    """The SDK's id generator, but the next span's id can be chosen."""

    def __init__(self, random: Any) -> None:
        self._random = random
        self._chosen: int | None = None

    def choose(self, span_id: int) -> None:
        """Give the span that is started next this id."""
        self._chosen = span_id

    def generate_span_id(self) -> int:
        """The chosen one, once, else a random one."""
        chosen, self._chosen = self._chosen, None
        return chosen or int(self._random.generate_span_id())

    def generate_trace_id(self) -> int:
        """A random one."""
        return int(self._random.generate_trace_id())

    def is_trace_id_random(self) -> bool:
        """It is."""
        return True
