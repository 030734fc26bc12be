"""Commands that change the clients file."""

import json
import stat
import threading
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from mathops.identity import clients_file
from mathops.identity.users import UsersFile
from tests.unit.cli.conftest import Run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "clients"


@pytest.fixture
def variables(path: Path) -> dict[str, str]:
    return {"MATHOPS_CLIENTS_FILE": str(path)}


def load(path: Path) -> UsersFile:
    return UsersFile(path, kind="clients")


@pytest.mark.anyio
async def test_an_added_client_authenticates_with_the_printed_secret(
    run: Run, path: Path, variables: dict[str, str]
) -> None:
    secret = run("clients", "add", "envoy", "--scope", "math:pow", "--scope", "introspect", **variables).stdout.strip()

    assert len(secret) == 43
    assert await load(path).authenticate("envoy", secret) == ["math:pow", "introspect"]
    assert await load(path).authenticate("envoy", "other") is None


def test_the_file_contains_no_secret(run: Run, path: Path, variables: dict[str, str]) -> None:
    secret = run("clients", "add", "envoy", **variables).stdout.strip()

    assert secret not in path.read_text()


def test_the_file_has_mode_0600_and_no_draft_remains(run: Run, path: Path, variables: dict[str, str]) -> None:
    run("clients", "add", "envoy", **variables)
    path.chmod(0o644)
    run("clients", "add", "gateway", **variables)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {file.name for file in path.parent.iterdir()} == {"clients", "clients.lock"}


@pytest.mark.anyio
async def test_json_output_names_client_secret_and_scope(run: Run, path: Path, variables: dict[str, str]) -> None:
    document = json.loads(run("clients", "add", "envoy", "--json", **variables).stdout)

    assert set(document) == {"client_id", "client_secret", "scope"}
    assert (document["client_id"], document["scope"]) == ("envoy", "math history")
    assert await load(path).authenticate("envoy", document["client_secret"]) == ["math", "history"]


def test_list_shows_clients_and_scopes_but_no_hash(run: Run, variables: dict[str, str]) -> None:
    run("clients", "add", "envoy", **variables)
    run("clients", "add", "gateway", "--scope", "introspect", **variables)

    table = run("clients", "list", **variables).stdout
    assert [line.strip().split(None, 1) for line in table.splitlines()] == [
        ["CLIENT", "SCOPE"],
        ["envoy", "math history"],
        ["gateway", "introspect"],
    ]
    assert json.loads(run("clients", "list", "--json", **variables).stdout) == [
        {"client_id": "envoy", "scope": "math history"},
        {"client_id": "gateway", "scope": "introspect"},
    ]


def test_remove_keeps_comments_and_other_clients(run: Run, path: Path, variables: dict[str, str]) -> None:
    for name in ("envoy", "env", "envoy.2"):
        run("clients", "add", name, **variables)
    path.write_text("# of the platform team\n\n" + path.read_text().replace("envoy:", "  envoy:").rstrip("\n"))
    before = path.read_text().splitlines()

    assert run("clients", "remove", "envoy", **variables).exit_code == 0
    run("clients", "add", "gateway", **variables)

    assert path.read_text().splitlines()[:-1] == [line for line in before if not line.startswith("  envoy:")]
    assert list(clients_file.scopes_by_name(path)) == ["env", "envoy.2", "gateway"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "envoy"), "envoy is a client already; remove it first to replace its secret"),
        (("remove", "gateway"), "has no client gateway"),
        (("remove", "envoy"), "envoy is the only client: add another one first, or unset MATHOPS_CLIENTS_FILE"),
    ],
)
def test_a_rejected_change_leaves_the_file_as_it_was(
    run: Run, path: Path, variables: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    run("clients", "add", "envoy", **variables)
    before = path.read_text()

    result = run("clients", *arguments, **variables)

    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert path.read_text() == before


@pytest.mark.parametrize("arguments", [("add", "envoy"), ("list",), ("remove", "envoy")])
def test_an_invalid_file_is_an_error_that_names_the_line(
    run: Run, path: Path, variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    path.parent.mkdir()
    path.write_text("# comment\nnonsense\n")

    result = run("clients", *arguments, **variables)

    assert (result.exit_code, path.read_text()) == (1, "# comment\nnonsense\n")
    assert "line 2" in result.stderr


@pytest.mark.parametrize("arguments", [("list",), ("remove", "envoy")])
def test_a_missing_file_is_an_error_and_creates_nothing(
    run: Run, path: Path, variables: dict[str, str], arguments: tuple[str, ...]
) -> None:
    result = run("clients", *arguments, **variables)

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert not path.parent.exists()


def test_without_the_setting_the_error_names_it(run: Run) -> None:
    result = run("clients", "list")

    assert (result.exit_code, result.stderr) == (1, "Error: set MATHOPS_CLIENTS_FILE to the path of the clients file\n")


def test_an_empty_file_gets_its_first_client(run: Run, path: Path, variables: dict[str, str]) -> None:
    path.parent.mkdir()
    path.touch()

    assert run("clients", "add", "envoy", **variables).exit_code == 0
    assert list(clients_file.scopes_by_name(path)) == ["envoy"]


def test_concurrent_changes_are_all_kept(path: Path) -> None:
    threads = [threading.Thread(target=clients_file.add, args=(path, f"client{n}", ["math"])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(clients_file.scopes_by_name(path)) == {f"client{n}" for n in range(8)}


@pytest.mark.anyio
async def test_a_printed_line_is_valid_in_a_clients_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "clients"
    file.write_text(run("clients", "hash", "envoy", "--scope", "math", stdin="s:e cret\n").stdout)

    assert await load(file).authenticate("envoy", "s:e cret") == ["math"]


def test_a_client_with_a_key_gets_no_secret(run: Run, tmp_path: Path, path: Path, variables: dict[str, str]) -> None:
    key = tmp_path / "public.pem"
    key.write_bytes(ECKey.generate_key("P-256").as_pem(private=False))

    assert run("clients", "add", "envoy", "--public-key", str(key), **variables).stdout == ""
    printed = run("clients", "add", "gateway", "--public-key", str(key), "--json", **variables).stdout

    assert json.loads(printed) == {"client_id": "gateway", "scope": "math history"}
    assert list(clients_file.scopes_by_name(path)) == ["envoy", "gateway"]


def test_a_file_without_a_public_key_is_an_error_in_one_line(
    run: Run, tmp_path: Path, path: Path, variables: dict[str, str]
) -> None:
    key = tmp_path / "private.pem"
    key.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))

    result = run("clients", "add", "envoy", "--public-key", str(key), **variables)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "private.pem: the key is private" in result.stderr
    assert not path.exists()
