"""The command line as a shell runs it: on a terminal, in a pipe, and interrupted."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.server import Server, eventually, interruptible


@pytest.fixture
def idle(tmp_path: Path) -> Server:
    return Server(tmp_path, {})


def start(server: Server, *arguments: str, stderr: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mathops", *arguments],
        env={**server.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    )


def read_all(terminal: int) -> bytes:
    parts = []
    try:
        while part := os.read(terminal, 65536):
            parts.append(part)
    except OSError:
        pass  # how Linux tells that the other end is closed
    return b"".join(parts)


def test_long_work_shows_progress_on_a_terminal_and_the_digits_in_the_pipe(idle: Server) -> None:
    terminal, theirs = pty.openpty()
    with start(idle, "fact", "205022", stderr=theirs) as process:
        os.close(theirs)
        assert process.stdout is not None
        text = process.stdout.read()
        shown = read_all(terminal)
    os.close(terminal)

    assert process.returncode == 0
    assert len(text) == 1_000_001
    assert b"computing 1,000,000 digits" in shown


def test_a_reader_that_leaves_early_is_no_fault(idle: Server) -> None:
    with start(idle, "fact", "205022", stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_an_interrupt_ends_the_computation_too(idle: Server) -> None:
    with start(idle, "fact", "9000000", stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        [child] = eventually(lambda: psutil.Process(process.pid).children())
        process.send_signal(signal.SIGINT)
        assert b"Traceback" not in process.stderr.read()

    assert process.returncode == 1
    assert not child.is_running()
