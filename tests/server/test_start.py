"""The start of a server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import Server, eventually, interruptible


def test_variables_of_gunicorn_are_ignored(shared_server: Server) -> None:
    assert shared_server.environment["WEB_CONCURRENCY"] == "many"
    assert len(shared_server.web_workers) == 1


def path_with(folder: Path, customization: str) -> str:
    """A PYTHONPATH with code that the journal process runs before anything else."""
    (folder / "sitecustomize.py").write_text(
        f"import pathlib, sys, time\nif 'mathops.journal.process' in sys.orig_argv:\n    {customization}\n"
    )
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


@pytest.mark.slow
def test_it_listens_only_after_the_journal_process_has_started(tmp_path: Path) -> None:
    path = path_with(tmp_path, "time.sleep(3)")
    server = Server(tmp_path, {"MATHOPS_JOURNAL_TIMEOUT_SECONDS": "1", "PYTHONPATH": path})
    try:
        server.start()

        assert server.client.get("/readyz").status_code == 200
        assert server.client.get("/pow?base=2&exp=5", headers=server.login()).status_code == 200
    finally:
        server.kill()


@pytest.mark.slow
def test_an_interrupt_during_the_start_prints_no_stack_trace(tmp_path: Path) -> None:
    started = tmp_path / "started"
    path = path_with(tmp_path, f"pathlib.Path({str(started)!r}).touch(); time.sleep(1)")
    process = subprocess.Popen(
        [sys.executable, "-m", "mathops", "serve"],
        env=Server(tmp_path, {"PYTHONPATH": path}).environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=interruptible,  # noqa: PLW1509 - takes no lock
    )
    eventually(started.exists, 20)

    os.killpg(process.pid, signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert "KeyboardInterrupt" not in output
    assert process.returncode in (0, 130)
