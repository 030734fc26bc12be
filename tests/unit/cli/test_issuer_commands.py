"""The command that checks external issuers."""

import json
from pathlib import Path

import pytest

from tests.support.oidc_issuer import DISCOVERY, OidcIssuer
from tests.unit.cli.conftest import Run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "issuers.json"


def test_the_keys_of_each_issuer_are_listed(run: Run, issuer: OidcIssuer, path: Path) -> None:
    path.write_text(json.dumps({"issuers": [issuer.entry()]}))

    result = run("issuers", "check", "--json", MATHOPS_ISSUERS_FILE=str(path))
    table = run("issuers", "check", MATHOPS_ISSUERS_FILE=str(path))

    assert result.exit_code == table.exit_code == 0
    assert json.loads(result.stdout) == {"issuers": [{"url": issuer.url, "keys": [issuer.key.kid], "error": None}]}
    assert issuer.url in table.stdout


def test_an_issuer_without_keys_is_an_error(run: Run, issuer: OidcIssuer, path: Path) -> None:
    issuer.documents[DISCOVERY] = {"issuer": "https://id.example\u001b[31m"}
    path.write_text(json.dumps({"issuers": [issuer.entry()]}))

    result = run("issuers", "check", "--json", MATHOPS_ISSUERS_FILE=str(path))

    assert result.exit_code == 1
    assert "names another issuer" in json.loads(result.stdout)["issuers"][0]["error"]


def test_addresses_for_signing_in_are_found_too(run: Run, issuer: OidcIssuer, path: Path) -> None:
    sign_in = {"id": "test", "label": "Test", "client_id": "console"}
    path.write_text(json.dumps({"issuers": [issuer.entry(sign_in=sign_in)]}))

    result = run("issuers", "check", "--json", MATHOPS_ISSUERS_FILE=str(path))

    assert result.exit_code == 1
    assert "authorization_endpoint" in json.loads(result.stdout)["issuers"][0]["error"]


@pytest.mark.parametrize(("text", "reason"), [(None, "cannot be read"), ("{", "is invalid")])
def test_an_invalid_file_is_an_error(run: Run, path: Path, text: str | None, reason: str) -> None:
    if text:
        path.write_text(text)

    result = run("issuers", "check", MATHOPS_ISSUERS_FILE=str(path))

    assert result.exit_code == 1
    assert reason in result.stderr


def test_without_a_file_the_setting_is_named(run: Run) -> None:
    result = run("issuers", "check")

    assert result.exit_code == 1
    assert "MATHOPS_ISSUERS_FILE" in result.stderr
