"""`mathops serve --reload`."""

import shutil
from importlib.resources import files
from pathlib import Path

import httpx2

from tests.support.server import Server, eventually


def test_a_source_change_is_served_without_a_manual_restart(tmp_path: Path) -> None:
    package = tmp_path / "source" / "mathops"
    shutil.copytree(str(files("mathops")), package, ignore=shutil.ignore_patterns("__pycache__"))
    # Coverage of the copy would not count for the package.
    variables = {"PYTHONPATH": str(package.parent), "COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    server = Server(tmp_path, variables)

    def version() -> str | None:
        try:
            return str(server.client.get("/openapi.json").json()["info"]["version"])
        except httpx2.TransportError:
            return None

    try:
        server.start("--reload")
        (package / "__init__.py").write_text('"""Changed."""\n\n__version__ = "99.0"\n')
        eventually(lambda: version() == "99.0", 30)
        assert server.stop() == 0
    finally:
        server.kill()
