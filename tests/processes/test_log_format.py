"""The log format that a process chooses by its standard error."""

import json
import os
import pty
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("terminal", "begins"), [(True, "\x1b"), (False, "{")])
def test_auto_is_text_on_a_terminal_and_json_elsewhere(*, terminal: bool, begins: str) -> None:
    script = "from mathops.telemetry import logs; logs.configure('info', 'auto'); logs.get_logger('x').info('hello')"
    ours, theirs = pty.openpty() if terminal else os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as reader, os.fdopen(theirs, "wb") as stderr:
        subprocess.run([sys.executable, "-c", script], stderr=stderr, check=True)
        text = reader.read(4096).decode()

    assert text.startswith(begins)
    assert "hello" in text


def test_json_lines_begin_with_time_level_and_event() -> None:
    script = "from mathops.telemetry import logs; logs.configure('info', 'json'); logs.get_logger('x').info('hi', a=1)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert list(json.loads(result.stderr)) == ["timestamp", "level", "event", "a", "logger"]
