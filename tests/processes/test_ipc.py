import asyncio
import signal
import time

import psutil
import pytest

from mathops.processes.ipc import ChildProcess
from tests.support.child_processes import until

pytestmark = pytest.mark.anyio


async def start(behaviour: str) -> tuple[ChildProcess, list[bytes]]:
    frames: list[bytes] = []
    return await ChildProcess.start("tests.support.child_processes", frames.append, behaviour), frames


async def ended(child: ChildProcess) -> None:
    await asyncio.wait_for(asyncio.wait((child.ended,)), 20)
    assert not psutil.pid_exists(child.pid)


async def test_frames_of_any_size_come_back_whole_and_in_order() -> None:
    child, frames = await start("echo")
    sent = [b"", b"1", b"23" * 1_000_000, b"4"]

    for frame in sent:
        child.send(frame)

    await until(lambda: len(frames) == len(sent))
    assert frames == sent
    await child.finish(20)


async def test_finishing_waits_for_replies_to_frames_already_sent() -> None:
    child, frames = await start("echo")

    child.send(b"1" * 1_000_000)
    await child.finish(20)

    assert frames == [b"1" * 1_000_000]
    await ended(child)


async def test_a_killed_process_is_reaped_and_sending_to_it_is_harmless() -> None:
    child, _ = await start("echo")

    child.kill()
    child.send(b"lost")

    await ended(child)
    child.send(b"lost")
    child.kill()
    await child.finish(1)


async def test_a_process_that_cannot_run_has_ended() -> None:
    child = await ChildProcess.start("tests.no_such_module", lambda _: None)

    child.send(b"lost")

    await ended(child)


async def test_a_frame_sent_while_finishing_is_dropped() -> None:
    child, frames = await start("echo")
    finish = asyncio.create_task(child.finish(20))
    await asyncio.sleep(0)

    child.send(b"too late")

    await finish
    assert frames == []


async def test_a_process_that_closes_its_end_is_ended() -> None:
    child, _ = await start("close")

    child.send(b"now")

    await ended(child)


async def test_an_incomplete_frame_is_not_delivered() -> None:
    child, frames = await start("half")

    child.send(b"now")

    await ended(child)
    assert frames == []


async def test_a_process_that_does_not_finish_in_time_is_killed() -> None:
    child, _ = await start("linger")
    started = time.monotonic()

    await child.finish(0.2)

    assert time.monotonic() - started < 10
    await ended(child)


async def test_signals_to_the_process_group_do_not_end_a_child() -> None:
    child, frames = await start("echo")
    child.send(b"started")
    await until(lambda: len(frames) == 1)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        psutil.Process(child.pid).send_signal(number)
    child.send(b"still here")

    await until(lambda: len(frames) == 2)
    await child.finish(20)
