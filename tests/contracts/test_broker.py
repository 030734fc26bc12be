"""Contract of ports.Broker."""

import os
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from mathops.ports import Broker, Message, MessageRejected
from tests.support.fakes import FakeBroker

pytestmark = pytest.mark.anyio

MAX_BYTES = 4000
HEADERS = [("content-type", b"application/json"), ("schema-version", b"2")]


class BrokerCase(Protocol):
    """A broker that rejects values of more than MAX_BYTES, with access to its messages."""

    def open(self) -> AbstractAsyncContextManager[Broker]: ...

    async def messages(self) -> list[Message]: ...

    def disconnect(self) -> None:
        """Make the broker unreachable."""


class FakeBrokerCase:
    def __init__(self) -> None:
        self._broker = FakeBroker(MAX_BYTES)

    def open(self) -> AbstractAsyncContextManager[Broker]:
        return self._broker.open()

    async def messages(self) -> list[Message]:
        return self._broker.messages

    def disconnect(self) -> None:
        self._broker.available = False


@pytest.fixture
def case() -> BrokerCase:
    return FakeBrokerCase()


def message(number: int, key: bytes | None = b"alice") -> Message:
    return Message(key, b'{"id":"%d"}' % number, HEADERS)


# Random, because brokers compress.
OVERSIZED = Message(b"alice", os.urandom(2 * MAX_BYTES), HEADERS)


async def test_published_messages_are_stored_whole(case: BrokerCase) -> None:
    sent = [message(1), message(2, None)]

    async with case.open() as broker:
        await broker.publish(sent)

        assert sorted(await case.messages(), key=lambda stored: stored.value) == sent


async def test_messages_of_one_key_keep_their_order(case: BrokerCase) -> None:
    sent = [message(number) for number in range(50)]

    async with case.open() as broker:
        await broker.publish(sent[:30])
        await broker.publish(sent[30:])

    assert await case.messages() == sent


async def test_an_empty_call_publishes_nothing(case: BrokerCase) -> None:
    async with case.open() as broker:
        await broker.publish([])
        await broker.publish([message(1)])

    assert await case.messages() == [message(1)]


async def test_a_rejected_message_can_be_left_out_on_a_new_connection(case: BrokerCase) -> None:
    async with case.open() as broker:
        with pytest.raises(MessageRejected):
            await broker.publish([OVERSIZED])
    async with case.open() as broker:
        await broker.publish([message(1)])

    assert await case.messages() == [message(1)]


# Several batches of a producer, which compress well.
LONG = [Message(b"alice", b"%d" % number * 100_000, HEADERS) for number in range(6)]


async def assert_stored_up_to_a_rejected_message(case: BrokerCase, sent: list[Message]) -> None:
    async with case.open() as broker:
        with pytest.raises(MessageRejected):
            await broker.publish(sent)

    stored = await case.messages()
    assert stored == sent[: len(stored)]
    assert OVERSIZED not in stored


async def test_no_message_of_a_key_is_stored_after_a_rejected_one(case: BrokerCase) -> None:
    await assert_stored_up_to_a_rejected_message(case, [*LONG, OVERSIZED, *LONG])


async def test_no_message_of_a_key_is_stored_after_a_rejected_first_one(case: BrokerCase) -> None:
    await assert_stored_up_to_a_rejected_message(case, [OVERSIZED, *LONG])


async def test_an_unreachable_broker_is_no_rejection(case: BrokerCase) -> None:
    case.disconnect()

    with pytest.raises((OSError, TimeoutError)):
        async with case.open() as broker:
            await broker.publish([message(1)])


async def test_a_check_succeeds_only_while_the_broker_is_reachable(case: BrokerCase) -> None:
    async with case.open() as broker:
        await broker.check()
        case.disconnect()

        with pytest.raises((OSError, TimeoutError)):
            await broker.check()
