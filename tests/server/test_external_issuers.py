"""A running service with external issuers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.oidc_issuer import JWKS, OidcIssuer, bearer
from tests.support.server import Server, eventually, free_port

TARGET = "/fib?n=10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "issuers.json"


def statuses(server: Server, token: str, times: int) -> set[int]:
    """Of new connections, which the web workers share."""
    headers = {**bearer(token), "Connection": "close"}
    return {server.client.get(TARGET, headers=headers).status_code for _ in range(times)}


def issuers_state(server: Server) -> str:
    return server.client.get("/readyz", headers={"Connection": "close"}).json()["checks"]["issuers"]


def test_every_web_worker_follows_a_rotation_and_rejects_a_revoked_token(
    start_server: Callable[..., Server], issuer: OidcIssuer, path: Path
) -> None:
    path.write_text(json.dumps({"issuers": [issuer.entry()]}))
    server = start_server(MATHOPS_ISSUERS_FILE=str(path), MATHOPS_WORKERS="2")

    assert statuses(server, issuer.forge(), 10) == {200}
    issuer.rotate()
    token = issuer.forge()
    assert statuses(server, token, 10) == {200}
    assert server.rows("user", "problem IS NULL") == [(f"{issuer.url}#alice",)] * 20

    assert server.client.post("/logout", headers=bearer(token)).status_code == 204
    eventually(lambda: statuses(server, token, 5) == {401})


def test_the_service_starts_without_its_issuer_and_recovers(start_server: Callable[..., Server], path: Path) -> None:
    port = free_port()
    absent = OidcIssuer(port)
    absent.close()
    path.write_text(json.dumps({"issuers": [absent.entry()]}))
    server = start_server(MATHOPS_ISSUERS_FILE=str(path))

    answer = server.client.get(TARGET, headers=bearer(absent.forge()))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/issuer-unavailable")
    assert issuers_state(server) == "unavailable"
    assert server.client.get(TARGET, headers=server.login()).status_code == 200
    assert server.log.read_text().count("keys of an issuer cannot be fetched") == 1

    with OidcIssuer(port).running() as present:
        assert statuses(server, present.forge(), 1) == {200}
        assert issuers_state(server) == "ok"
        assert JWKS in [requested for requested, _ in present.requests]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("issuers: [{url: https://id.example, audience: a, grants: [], extra: 1}]", "`$.issuers[0]"),
        ("issuers: [{url: mathops, audience: a, grants: [{claim: sub, value: a, scopes: [math]}]}]", "https URLs"),
    ],
)
def test_an_invalid_file_stops_the_start_with_one_line(tmp_path: Path, path: Path, text: str, reason: str) -> None:
    path.write_text(text)

    outcome = Server(tmp_path, {"MATHOPS_ISSUERS_FILE": str(path)}).run("serve")

    assert outcome.returncode == 1
    errors = [line for line in outcome.stderr.splitlines() if "issuers file" in line]
    assert len(errors) == 1, outcome.stderr
    assert reason in errors[0]
