"""The file of signing keys: made once, rotated with overlap, kept by a running server whatever becomes of it."""

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


def test_a_new_file_is_for_its_owner_only(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_is_for_its_owner_only_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.ensure(tmp_path / "open.json")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "open.json").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(path: Path) -> None:
    before = path.read_bytes()

    assert keys.ensure(path) is False
    assert path.read_bytes() == before


def test_of_many_that_make_the_file_at_once_one_does(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.ensure(file), range(8)))

    assert made.count(True) == 1
    assert len(kids(file)) == 1


def test_a_rotation_adds_the_key_that_signs(path: Path) -> None:
    old = kids(path)

    new = keys.rotate(path)

    assert kids(path) == [*old, new]
    assert keys.Keys(path).signing.kid == new
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pruning_keeps_the_newest(path: Path) -> None:
    [first] = kids(path)
    second, third = keys.rotate(path), keys.rotate(path)

    assert keys.prune(path, keep=2) == [first]
    assert kids(path) == [second, third]
    assert keys.prune(path) == [second]
    assert kids(path) == [third]


def test_the_public_keys_hold_nothing_private(path: Path) -> None:
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
    ids=lambda text: repr(text[:24]),
)
def test_a_file_of_anything_else_is_a_startup_error_that_names_it(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(StartupError, match=r"keys\.json"):
        keys.Keys(path)


def test_a_file_that_is_not_there_is_a_startup_error(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"keys\.json"):
        keys.Keys(tmp_path / "keys.json")


def test_a_place_that_cannot_be_written_is_a_startup_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartupError, match="cannot be made"):
        keys.ensure(tmp_path / "file" / "keys.json")


def test_a_mounted_secret_is_used_as_it_is(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys.json")
    # As the lock file cannot be made in a read-only mount.
    (tmp_path / "keys.json.lock").unlink()
    (tmp_path / "keys.json.lock").mkdir()

    assert keys.ensure(tmp_path / "keys.json") is False
    assert keys.Keys(tmp_path / "keys.json").signing.is_private


def test_a_mounted_secret_cannot_be_rotated(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys.json")
    (tmp_path / "keys.json.new").mkdir()

    with pytest.raises(StartupError, match="cannot be written"):
        keys.rotate(tmp_path / "keys.json")


def test_what_a_killed_process_left_half_written_is_no_hindrance(path: Path) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_text('{"keys": [')

    new = keys.rotate(path)

    assert [key.kid for key in keys.read(path)][-1] == new
    assert not draft.exists()


def test_a_running_server_sees_a_rotation(path: Path) -> None:
    running = keys.Keys(path)
    new = keys.rotate(path)

    def signs_with_it() -> bool:
        running.refresh()
        return running.signing.kid == new

    eventually(signs_with_it)
    assert len(running.public()["keys"]) == 2


@pytest.mark.parametrize("lost", [True, False], ids=["removed", "garbage"])
def test_a_running_server_keeps_its_keys_while_the_file_is_bad_and_says_so(path: Path, lost: bool) -> None:
    running = keys.Keys(path)
    signing, generation, text = running.signing.kid, running.generation, path.read_text()
    if lost:
        path.unlink()
    else:
        path.write_text("garbage")

    with capture_logs() as lines:

        def said() -> bool:
            running.refresh()
            return any("keys file" in line["event"] for line in lines)

        eventually(said)
    assert (running.signing.kid, running.generation) == (signing, generation)

    path.write_text(text)

    def read_again() -> bool:
        running.refresh()
        return running.generation > generation

    eventually(read_again)
    assert running.signing.kid == signing
