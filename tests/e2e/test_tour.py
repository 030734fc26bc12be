"""docs/tour.md, run block by block in one shell."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import ROOT
from tests.support.server import free_port

pytestmark = pytest.mark.timeout(240)
_SECTION = re.compile(r"^## \d+\. (.*?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_END = "end of block"
PORTS = {
    "MATHOPS_PUBLISHED_PORT": 5000,
    "KAFKA_PUBLISHED_PORT": 9092,
    "PROMETHEUS_PUBLISHED_PORT": 9090,
    "JAEGER_PUBLISHED_PORT": 16686,
}


class Shell:
    """One shell that runs blocks of commands."""

    def __init__(self) -> None:
        self._ports = {name: free_port() for name in PORTS}
        variables = {name: str(port) for name, port in self._ports.items()} | {"COMPOSE_PROJECT_NAME": "mathops-tour"}
        self._process = subprocess.Popen(
            ["bash", "-e"],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, block: str) -> str:
        """The output of the block; fails if a command fails."""
        for name, port in PORTS.items():
            block = block.replace(f"localhost:{port}", f"localhost:{self._ports[name]}")
        assert self._process.stdin
        assert self._process.stdout
        # docker compose exec would read the following commands.
        self._process.stdin.write(f"{{\n{block}\n}} </dev/null\nprintf '\\n%s\\n' '{_END}'\n")
        self._process.stdin.flush()
        output = ""
        # An empty line is the end of the shell.
        while (line := self._process.stdout.readline()) not in ("", f"{_END}\n"):
            output += line
        assert line, output
        return output

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell()
    yield shell
    command = ["docker", "compose", "--project-name", "mathops-tour", "--profile", "*", "down", "--volumes"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    shell.close()


def test_every_block_shows_the_request(shell: Shell) -> None:
    page = (ROOT / "docs" / "tour.md").read_text()
    outputs = {
        title: [shell.run(block) for block in _BLOCK.findall(section)] for title, section in _SECTION.findall(page)
    }

    (answer,) = outputs["Send a request"]
    assert "200 OK" in answer
    assert re.search(r"cache-status: mathops; fwd=miss", answer, re.IGNORECASE)
    (request_id,) = re.findall(r"x-request-id: tour-([0-9a-f]{32})", answer, re.IGNORECASE)
    for title in ("The row", "The log line", "The event"):
        (line,) = outputs[title]
        assert request_id in line, title
    series, exemplars = outputs["The metric"]
    assert json.loads(series)["data"]["result"], series
    assert request_id in exemplars
    spans = set(re.findall(r'"operationName":"([^"]*)"', outputs["The trace"][0]))
    assert spans >= {"GET /fib", "cache", "compute", "compute in process", "journal commit", "send math-requests"}
    broken, _ = outputs["Break something"]
    assert '"32"' in broken
    assert '"degraded"' in broken
