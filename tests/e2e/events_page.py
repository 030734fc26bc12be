"""The commands of docs/events.md."""

import re
import shlex
import sys
from pathlib import Path

from tests.e2e.cluster import ROOT

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented(command: str) -> str:
    """The block of commands that contains `command`."""
    (block,) = (block for block in _BLOCK.findall((ROOT / "docs" / "events.md").read_text()) if command in block)
    return str(block)


def consumer(command: str, state: Path) -> str:
    """The block, with this Python and an end after 10 s without an event."""
    block = documented(command).rstrip("\n").replace(".venv/bin/python", shlex.quote(sys.executable))
    return f"{block} --seconds 10 --state {shlex.quote(str(state))}"
