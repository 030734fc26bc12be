"""When a server begins to listen."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.support.server import Server


def test_a_variable_of_gunicorn_decides_nothing(start_server: Callable[..., Server]) -> None:
    server = start_server(WEB_CONCURRENCY="many")

    assert len(server.web_workers) == 1


def test_it_listens_only_once_requests_can_be_stored(tmp_path: Path) -> None:
    # A journal process that starts slowly: Python runs sitecustomize before anything else.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\nif 'mathops.journal.process' in sys.orig_argv: time.sleep(3)\n"
    )
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    server = Server(tmp_path, {"MATHOPS_JOURNAL_TIMEOUT_SECONDS": "1", "PYTHONPATH": path})
    try:
        server.start()
        assert server.client.get("/readyz").status_code == 200
        assert server.client.get("/pow?base=2&exp=5", headers=server.login()).status_code == 200
    finally:
        server.kill()
