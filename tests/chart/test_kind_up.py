"""`make kind-up` with a cluster that does not map the port of the service to this machine."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The cluster exists, and every program but curl succeeds.
PROGRAMS = {"kind": "echo mathops", "docker": "true", "helm": "true", "curl": "exit 7"}


def test_a_service_that_the_machine_cannot_reach_is_reported(tmp_path: Path) -> None:
    for name, body in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    outcome = subprocess.run(
        ["make", "kind-up"], capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **path}
    )

    assert outcome.returncode == 2
    assert "nothing answers at http://localhost:5000" in outcome.stderr
    assert "Run make kind-down, then make kind-up" in outcome.stderr
