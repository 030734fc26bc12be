"""The keys file: created once, rotated with overlap, reloaded by a running server."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from mathops.errors import StartupError
from mathops.identity import keys
from tests.support.server import eventually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    keys.ensure(file)
    return file


def kids(path: Path) -> list[str | None]:
    return [key.kid for key in keys.read(path)]


def test_a_new_file_is_readable_by_its_owner_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_is_readable_by_its_owner_only_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.ensure(tmp_path / "open.json")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "open.json").stat().st_mode) == 0o600


def test_an_existing_file_is_not_changed(path: Path) -> None:
    before = path.read_bytes()

    assert keys.ensure(path) is False
    assert path.read_bytes() == before


def test_concurrent_callers_create_the_file_once(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: keys.ensure(file), range(8)))

    assert created.count(True) == 1
    assert len(kids(file)) == 1


def test_rotation_adds_the_signing_key(path: Path) -> None:
    old = kids(path)

    new = keys.rotate(path)

    assert kids(path) == [*old, new]
    assert keys.Keys(path).signing.kid == new
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pruning_keeps_the_newest_keys(path: Path) -> None:
    [first] = kids(path)
    second, third = keys.rotate(path), keys.rotate(path)

    assert keys.prune(path, keep=2) == [first]
    assert kids(path) == [second, third]
    assert keys.prune(path) == [second]
    assert kids(path) == [third]


def test_the_public_keys_contain_no_private_members(path: Path) -> None:
    keys.rotate(path)

    published = keys.Keys(path).public()["keys"]

    assert [key["kid"] for key in published] == kids(path)
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in published)
    assert {(key["kty"], key["crv"], key["use"], key["alg"]) for key in published} == {("EC", "P-256", "sig", "ES256")}


def test_a_key_without_an_id_gets_its_thumbprint(path: Path) -> None:
    [key] = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": [{name: value for name, value in key.items() if name != "kid"}]}))

    assert kids(path) == [ECKey.import_key(key).thumbprint()]


def _set(*keys_: ECKey | RSAKey | OctKey, private: bool = True) -> str:
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys_]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "null",
        "{}",
        '{"keys": null}',
        '{"keys": []}',
        '{"keys": [null]}',
        '{"keys": ["x"]}',
        '{"keys": [{"kty": "EC"}]}',
        '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}]}',
        _set(ECKey.generate_key("P-256"), private=False),
        _set(ECKey.generate_key("P-384")),
        _set(RSAKey.generate_key(2048)),
        _set(OctKey.generate_key(256)),
        _set(ECKey.generate_key("P-256"), ECKey.generate_key("P-521")),
        b"\xff\xfe",
    ],
    ids=lambda text: repr(text[:17]),
)
def test_an_invalid_file_is_a_startup_error_that_names_it(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(StartupError, match=r"keys\.json"):
        keys.Keys(path)


def test_a_missing_file_is_a_startup_error(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"keys\.json"):
        keys.Keys(tmp_path / "keys.json")


def test_an_unwritable_folder_is_a_startup_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartupError, match="cannot be created"):
        keys.ensure(tmp_path / "file" / "keys.json")


def test_a_read_only_secret_is_used(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys.json")
    # As in a read-only mount, the lock file cannot be created.
    (tmp_path / "keys.json.lock").unlink()
    (tmp_path / "keys.json.lock").mkdir()

    assert keys.ensure(tmp_path / "keys.json") is False
    assert keys.Keys(tmp_path / "keys.json").signing.is_private


def test_a_read_only_secret_cannot_be_rotated(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys.json")
    (tmp_path / "keys.json.new").mkdir()

    with pytest.raises(StartupError, match="cannot be written"):
        keys.rotate(tmp_path / "keys.json")


def test_an_unfinished_file_of_a_killed_process_is_replaced(path: Path) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_text('{"keys": [')

    new = keys.rotate(path)

    assert [key.kid for key in keys.read(path)][-1] == new
    assert not draft.exists()


def test_a_running_server_reloads_after_a_rotation(path: Path) -> None:
    running = keys.Keys(path, reload_seconds=0)
    new = keys.rotate(path)

    def signs_with_new_key() -> bool:
        running.refresh()
        return running.signing.kid == new

    eventually(signs_with_new_key)
    assert len(running.public()["keys"]) == 2


@pytest.mark.parametrize("lost", [True, False], ids=["removed", "garbage"])
def test_a_running_server_keeps_its_keys_and_logs_while_the_file_is_invalid(path: Path, lost: bool) -> None:
    running = keys.Keys(path, reload_seconds=0)
    signing, generation, text = running.signing.kid, running.generation, path.read_text()
    if lost:
        path.unlink()
    else:
        path.write_text("garbage")

    with capture_logs() as lines:

        def logged() -> bool:
            running.refresh()
            return any("keys file" in line["error"] or "No such file" in line["error"] for line in lines)

        eventually(logged)
    assert (running.signing.kid, running.generation) == (signing, generation)

    path.write_text(text)

    def reloaded() -> bool:
        running.refresh()
        return running.generation > generation

    eventually(reloaded)
    assert running.signing.kid == signing
