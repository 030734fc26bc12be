"""Schemathesis reads /openapi.json and sends valid and invalid requests."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import Server

HERE = Path(__file__).parent


@pytest.mark.timeout(300)
def test_the_service_conforms_to_its_openapi_document(start_server: Callable[..., Server], tmp_path: Path) -> None:
    # The checks send rejected tokens, and a busy machine must not exceed the deadline.
    server = start_server(MATHOPS_QUOTA_UNAUTHENTICATED="100000/minute", MATHOPS_COMPUTE_DEADLINE_SECONDS="30")

    # A logout revokes the token of the other requests.
    tested = conforming_operations(server, tmp_path, "--exclude-path", "/logout")
    tested += conforming_operations(server, tmp_path, "--include-path", "/logout")

    paths = server.client.get("/openapi.json").json()["paths"]
    # Schemathesis does not count the path of the document as an operation.
    assert tested == sum(map(len, paths.values())) - 1


def conforming_operations(server: Server, folder: Path, *selection: str) -> int:
    """Run Schemathesis on some operations and return their number."""
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", HERE / "schemathesis.toml"),
            *("run", f"{server.client.base_url}/openapi.json"),
            *("--header", f"Authorization: {server.login()['Authorization']}"),
            *("--checks", "all", "--max-examples", "40", "--seed", "20260101"),
            *selection,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, re.sub(r"(%[0-9A-F]{2}){20,}", "%..", outcome.stdout) + outcome.stderr
    tested = re.search(r"Tested: ([0-9]+)\n", outcome.stdout)
    assert tested, outcome.stdout
    return int(tested[1])
