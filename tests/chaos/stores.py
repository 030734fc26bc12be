"""Reads the records of the request log and the topic."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from mathops.models import Record
from tests.integration.services.kafka import Kafka

_decoder = msgspec.json.Decoder(Record)


class Published(NamedTuple):
    """An event's key and record."""

    key: bytes | None
    record: Record


def read_log(path: Path) -> Iterator[Record]:
    """The lines of the log and of its rotated files."""
    for file in path.parent.glob(f"{path.name}*"):
        if file.suffix != ".lock":
            yield from map(_decoder.decode, file.read_bytes().splitlines())


def read_topic(kafka: Kafka, name: str) -> Iterator[Published]:
    """The events, in order within each key."""
    for event in kafka.events(name, 120):
        yield Published(event.key, _decoder.decode(event.value))
