"""A supervised server process and its clients."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import psutil
import pytest

from mathops.errors import StartupError
from mathops.processes.ipc import FrameConnection
from mathops.processes.supervisor import RESTART_SECONDS, ProcessSupervisor
from tests.support.child_processes import until

pytestmark = pytest.mark.anyio


def lengths(configuration: bytes = b"settings") -> ProcessSupervisor:
    return ProcessSupervisor("tests.support.length_process", configuration)


class Client:
    """A connection, with the frames that it has received."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.connection = FrameConnection(self.frames.append)


@asynccontextmanager
async def client(process: ProcessSupervisor) -> AsyncIterator[Client]:
    connected = Client()
    await connected.connection.open(process.connect())
    try:
        yield connected
    finally:
        await connected.connection.finish(20)


def pid(process: ProcessSupervisor) -> int:
    assert process._process is not None
    return process._process.pid


async def test_clients_receive_their_own_replies_whole_and_in_order() -> None:
    sent = [[b"", b"1", b"23" * 1_000_000], [b"456", b"78"]]
    async with lengths().running(20) as process, client(process) as first, client(process) as second:
        for connected, frames in zip((first, second), sent, strict=True):
            for frame in frames:
                connected.connection.send(frame)

        await until(lambda: (first.frames[1:], second.frames[1:]) == ([b"0", b"1", b"2000000"], [b"3", b"2"]))
        assert first.frames[0] == second.frames[0] == b"settings 0"


async def test_a_client_can_connect_before_the_process_has_started() -> None:
    process = lengths()
    async with client(process) as early:
        early.connection.send(b"first")
        async with process.running(20):
            await until(lambda: early.frames == [b"settings 0", b"5"])
            await early.connection.finish(20)


async def test_a_process_waits_for_its_configuration_while_the_service_prepares_its_start() -> None:
    process = lengths()
    async with client(process) as early:
        with process.preloading():
            preloaded = pid(process)
            await asyncio.sleep(0.5)
            assert early.frames == []
        async with process.running(20):
            await until(lambda: early.frames == [b"settings 0"])
            assert pid(process) == preloaded
            await early.connection.finish(20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_of_a_terminal_do_not_end_a_process_that_starts(number: signal.Signals) -> None:
    process = lengths()
    async with client(process) as early, process.running(20):
        psutil.Process(pid(process)).send_signal(number)

        await until(lambda: early.frames == [b"settings 0"])
        await early.connection.finish(20)


def test_a_process_ends_with_a_service_that_cannot_start() -> None:
    process = lengths()
    preloaded = []

    def start() -> None:
        with process.preloading():
            preloaded.append(psutil.Process(pid(process)))
            raise StartupError("no database")

    with pytest.raises(StartupError):
        start()

    process.stop(0)
    assert not preloaded[0].is_running()


async def test_a_process_that_dies_is_replaced_and_accepts_new_connections() -> None:
    async with lengths().running(20) as process:
        async with client(process) as old:
            await until(lambda: old.frames == [b"settings 0"])
            killed = pid(process)
            psutil.Process(killed).kill()
            await asyncio.wait_for(asyncio.wait((old.connection.ended,)), 20)

        async with client(process) as new:
            new.connection.send(b"again")
            await until(lambda: new.frames == [b"settings 1", b"5"])
        assert pid(process) != killed


async def test_frames_sent_before_closing_are_processed_before_the_end() -> None:
    async with lengths().running(20) as process:
        async with client(process) as last:
            last.connection.send(b"1" * 1_000_000)

        assert last.frames == [b"settings 0", b"1000000"]
        ended = pid(process)
        assert psutil.pid_exists(ended)
    assert not psutil.pid_exists(ended)


async def test_a_client_that_does_not_read_is_disconnected_and_the_others_are_served() -> None:
    async with lengths().running(20) as process:
        silent = process.connect()
        silent.settimeout(20)
        with pytest.raises(OSError, match=r"Broken pipe|Connection reset"):
            silent.sendall(b"\0\0\0\1x" * 500_000)
        async with client(process) as other:
            other.connection.send(b"1")
            await until(lambda: other.frames == [b"settings 0", b"1"])
        silent.close()


async def test_a_process_that_dies_at_its_start_is_not_restarted_in_a_tight_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    started = time.monotonic()

    async with ProcessSupervisor("tests.no_such_module", b"").running(20):
        await until(lambda: caplog.text.count("process died") == 4)

    assert time.monotonic() - started >= 3 * RESTART_SECONDS


async def test_a_process_that_does_not_finish_in_time_is_killed() -> None:
    async with lengths(b"linger").running(0.2) as process:
        async with client(process) as connected:
            await until(lambda: connected.frames == [b"linger 0"])
        lingering = pid(process)
        started = time.monotonic()

    assert time.monotonic() - started < 10
    assert not psutil.pid_exists(lingering)


async def test_too_many_waiting_connections_are_an_error_and_leave_no_descriptor() -> None:
    process = lengths()
    before = psutil.Process().num_fds()

    with ExitStack() as waiting:

        def connect_often() -> None:
            while True:
                waiting.enter_context(process.connect())

        with pytest.raises(OSError, match=r"unavailable|Too many"):
            connect_often()

    assert psutil.Process().num_fds() == before
    process.stop(0)
