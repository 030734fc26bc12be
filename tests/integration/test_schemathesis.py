"""Schemathesis reads /openapi.json and sends valid and invalid requests."""

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from mathops.identity.scopes import SCOPES
from mathops.identity.users import users_line
from mathops.web.routes import SERVICE_ENDPOINTS
from tests.support.server import Server

HERE = Path(__file__).parent
CLIENT_PATHS = [endpoint.path for endpoint in SERVICE_ENDPOINTS if endpoint.description and endpoint.description.form]


@pytest.mark.timeout(300)
def test_the_service_conforms_to_its_openapi_document(start_server: Callable[..., Server], tmp_path: Path) -> None:
    # The checks send rejected tokens, and a busy machine must not exceed the deadline.
    unlimited = {f"MATHOPS_QUOTA_{name}": "100000/minute" for name in ("UNAUTHENTICATED", "LOGIN")}
    clients = tmp_path / "clients"
    clients.write_text(users_line("envoy", "secret", SCOPES))
    oauth = {"MATHOPS_CLIENTS_FILE": str(clients), "MATHOPS_TOKEN_ISSUER": "https://math.example.com"}
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="30", **oauth, **unlimited)
    bearer = server.login()["Authorization"]
    basic = f"Basic {b64encode(b'envoy:secret').decode()}"

    excluded = [part for path in ("/logout", *CLIENT_PATHS) for part in ("--exclude-path", path)]
    tested = conforming_operations(server, tmp_path, bearer, *excluded)
    # A logout revokes the token of the other requests.
    tested += conforming_operations(server, tmp_path, bearer, "--include-path", "/logout")
    included = [part for path in CLIENT_PATHS for part in ("--include-path", path)]
    tested += conforming_operations(server, tmp_path, basic, *included)

    paths = server.client.get("/openapi.json").json()["paths"]
    # Schemathesis does not count the path of the document as an operation.
    assert tested == sum(map(len, paths.values())) - 1


def conforming_operations(server: Server, folder: Path, authorization: str, *selection: str) -> int:
    """Run Schemathesis on some operations and return their number."""
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", HERE / "schemathesis.toml"),
            *("run", f"{server.client.base_url}/openapi.json"),
            *("--header", f"Authorization: {authorization}"),
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
