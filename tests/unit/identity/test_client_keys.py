"""Public keys of clients."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from mathops.errors import StartupError
from mathops.identity.client_keys import credential, public_key
from mathops.identity.users import UsersFile

EC, RSA = ECKey.generate_key("P-256"), RSAKey.generate_key(2048)


@pytest.mark.parametrize("key", [EC, RSA], ids=["EC", "RSA"])
def test_pem_and_jwk_files_give_the_same_key(key: ECKey | RSAKey) -> None:
    document = {**key.as_dict(private=False), "kid": "1", "use": "sig"}

    by_pem = credential(key.as_pem(private=False).decode())

    assert credential(json.dumps(document)) == by_pem
    assert public_key(by_pem).as_dict(private=False) == key.as_dict(private=False)
    assert not public_key(by_pem).is_private


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key",
        "{}",
        "{",
        '{"kty":"oct","k":"c2VjcmV0"}',
        '{"kty":"EC"}',
        '{"kty":"EC","crv":"P-256","x":1,"y":2}',
        '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}',
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ECKey.generate_key("P-384").as_pem(private=False).decode(),
        OKPKey.generate_key("Ed25519").as_pem(private=False).decode(),
    ],
)
def test_other_keys_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a P-256 key nor an RSA key|Expecting"):
        credential(text)


def test_a_private_key_is_rejected_with_the_command_for_the_public_one() -> None:
    for key in (EC.as_pem(private=True).decode(), json.dumps(EC.as_dict(private=True))):
        with pytest.raises(ValueError, match="openssl pkey -pubout"):
            credential(key)


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_rsa_key_is_rejected() -> None:
    with pytest.raises(ValueError, match="2048 bits"):
        credential(RSAKey.generate_key(1024).as_pem(private=False).decode())


@pytest.mark.parametrize(("kind", "field"), [("clients", "key=AAAA"), ("clients", "key=!"), ("clients", "key=")])
def test_an_invalid_key_in_the_file_is_an_error_that_names_the_line(tmp_path: Path, kind: str, field: str) -> None:
    path = tmp_path / kind
    path.write_text(f"# comment\nenvoy:{field}:math\n")

    with pytest.raises(StartupError, match="line 2"):
        UsersFile(path, kind=kind)


def test_a_users_file_holds_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(f"alice:{credential(EC.as_pem(private=False).decode())}:math\n")

    with pytest.raises(StartupError, match="line 1"):
        UsersFile(path)
