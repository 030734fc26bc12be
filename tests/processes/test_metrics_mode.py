import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("folder", "mode"), [(None, False), ("metrics", True)])
def test_the_mode_chosen_at_import_is_asserted(tmp_path: Path, folder: str | None, *, mode: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    if folder:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    program = f"""
from mathops.telemetry.metrics import require_multiprocess
require_multiprocess({mode})
require_multiprocess({not mode})
"""

    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "line 4" in ended.stderr
    state = "on" if mode else "off"
    assert f"RuntimeError: prometheus_client was imported with multiprocess mode {state}" in ended.stderr
