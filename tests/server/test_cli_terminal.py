"""The command line as a shell runs it: imports, terminals, pipes and signals."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.server import Server, eventually, interruptible

# Imported only by the commands that use them.
LAZY_IMPORTS = {
    "aiokafka",
    "alembic",
    "argon2",
    "asyncio",
    "gunicorn",
    "httpx2",
    "joserfc",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "redis",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
}


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
        pass  # Linux reports a closed terminal this way
    return b"".join(parts)


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("pow", "2", "5"), *((name, "--help") for name in ("db", "history", "login", "top"))],
    ids=" ".join,
)
def test_light_commands_import_no_heavy_package(idle: Server, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "mathops", *arguments]
    result = subprocess.run(command, env=idle.environment, capture_output=True, text=True, check=True)

    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "click" in imported
    assert imported & LAZY_IMPORTS == set()


@pytest.mark.slow
def test_a_long_computation_shows_progress_on_the_terminal_and_prints_to_the_pipe(idle: Server) -> None:
    terminal, child_terminal = pty.openpty()
    with start(idle, "fact", "205022", stderr=child_terminal) as process:
        os.close(child_terminal)
        assert process.stdout is not None
        text = process.stdout.read()
        shown = read_all(terminal)
    os.close(terminal)

    assert process.returncode == 0
    assert len(text) == 1_000_001
    assert b"computing 1,000,000 digits" in shown


def shown_on_a_terminal(server: Server, *arguments: str) -> str:
    terminal, child_terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mathops", *arguments],
        env={**server.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=child_terminal,
        stderr=subprocess.PIPE,
    ):
        os.close(child_terminal)
        text = read_all(terminal).decode().replace("\r\n", "\n")
    os.close(terminal)
    return text


def test_a_long_result_is_folded_on_the_terminal(idle: Server) -> None:
    lines = shown_on_a_terminal(idle, "pow", "--", "-10", "2001").splitlines()

    assert lines[0] == f"-1{'0' * 36}…{'0' * 38}"
    assert lines[1] == "2,002 digits; --full prints all, --output FILE writes them to a file"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("arguments", [("pow", "10", "2001", "--full"), ("pow", "10", "900")])
def test_a_full_or_short_result_is_complete_on_the_terminal(idle: Server, arguments: tuple[str, ...]) -> None:
    assert shown_on_a_terminal(idle, *arguments) == "1" + "0" * int(arguments[2]) + "\n"


def test_a_closed_pipe_is_not_an_error(idle: Server) -> None:
    with start(idle, "fact", "205022", stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_an_interrupt_kills_the_computing_process(idle: Server) -> None:
    with start(idle, "fact", "9000000", stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        [child] = eventually(lambda: psutil.Process(process.pid).children())
        process.send_signal(signal.SIGINT)
        assert b"Traceback" not in process.stderr.read()

    assert process.returncode == 130
    assert not child.is_running()


def test_an_interrupt_at_a_prompt_has_exit_code_130(idle: Server) -> None:
    terminal, child_terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mathops", "users", "hash", "alice"],
        env=idle.environment,
        stdin=child_terminal,
        stdout=child_terminal,
        stderr=child_terminal,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    ) as process:
        os.close(child_terminal)
        shown = b""
        while b"Password" not in shown:
            shown += os.read(terminal, 1024)
        process.send_signal(signal.SIGINT)
        assert b"Traceback" not in read_all(terminal)
    os.close(terminal)

    assert process.returncode == 130


def read_until(terminal: int, text: bytes) -> bytes:
    shown = b""
    while text not in shown:
        shown += os.read(terminal, 4096)
    return shown


@pytest.mark.slow
def test_serve_shows_commands_that_work_and_each_request_but_no_server_internals(idle: Server) -> None:
    terminal, child_terminal = pty.openpty()
    with start(idle, "serve", stderr=child_terminal) as process:
        os.close(child_terminal)
        shown = read_until(terminal, b"$TOKEN")
        log_in, try_it = (
            next(line.partition(": ")[2] for line in shown.decode().splitlines() if line.startswith(begin))
            for begin in ("Log in: ", "Try it: ")
        )
        answer = subprocess.run(["sh", "-c", f"{log_in}\n{try_it}"], capture_output=True, text=True, check=True)
        process.send_signal(signal.SIGINT)
        shown += read_all(terminal)
    os.close(terminal)

    assert f'"result":"{2**100}"' in answer.stdout
    assert process.returncode == 0
    assert b"GET /pow?base=2&exp=100 200 " in shown
    assert f":{idle.port}, which opens the console" in shown.decode()
    for internal in (b"gunicorn", b"uvicorn", b"worker", b"rror"):
        assert internal not in shown


@pytest.mark.slow
@pytest.mark.parametrize("remote", [False, True])
def test_followed_history_prints_new_records_until_an_interrupt(shared_server: Server, remote: bool) -> None:
    user = f"follower-{remote}"
    headers = shared_server.login(user)
    for path in ("/fib?n=1", "/fact?n=2", "/fib?n=3"):
        shared_server.client.get(path, headers=headers)
    token = headers["Authorization"].removeprefix("Bearer ")
    selection = ("--url", str(shared_server.client.base_url), "--token", token) if remote else ("--user", user)

    command = ("history", "--follow", "--operation", "fib", "--outcome", "ok", *selection)
    with start(shared_server, *command, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline().split() for _ in range(3)]
        for path in ("/fib?n=4", "/fib?n=x", "/fact?n=5", "/fib?n=6"):
            shared_server.client.get(path, headers=headers)
        lines += [process.stdout.readline().split() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""

    assert process.returncode == 130
    assert lines[0] == [b"TIME", b"USER", b"OPERATION", b"PARAMETERS", b"STATUS", b"RESULT"]
    assert [line[3:] for line in lines[1:]] == [
        [f"n={n}".encode(), b"200", result] for n, result in ((1, b"1"), (3, b"2"), (4, b"3"), (6, b"8"))
    ]


def test_top_updates_the_terminal_until_an_interrupt_also_while_the_service_is_down(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    terminal, child_terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mathops", "top", "--interval", "0.1", "--url", f"localhost:{server.port}"],
        env={**server.environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "30"},
        stdin=subprocess.DEVNULL,
        stdout=child_terminal,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    ) as process:
        os.close(child_terminal)
        try:
            read_until(terminal, b"/metrics ")
            server.stop()
            read_until(terminal, b"failed: ")
            server.start()
            read_until(terminal, b"/metrics ")
            process.send_signal(signal.SIGINT)
            read_all(terminal)
        finally:
            # Otherwise a failed test waits for the end of the process.
            os.close(terminal)
        assert process.stderr is not None
        assert process.stderr.read() == b""

    assert process.returncode == 130
