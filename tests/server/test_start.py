"""The start of a server."""

import os
from pathlib import Path

import pytest

from tests.support.server import Server


def test_variables_of_gunicorn_are_ignored(shared_server: Server) -> None:
    assert shared_server.environment["WEB_CONCURRENCY"] == "many"
    assert len(shared_server.web_workers) == 1


@pytest.mark.slow
def test_it_listens_only_after_the_journal_process_has_started(tmp_path: Path) -> None:
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
