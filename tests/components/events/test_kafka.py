import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mathops.errors import StartupError
from mathops.events.kafka_connection import kafka_ssl_context
from mathops.settings import Settings


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> dict[str, Path]:
    """Settings for a broker that requires a client certificate."""
    own = authority.issue_cert("client")
    found = {f"kafka_{name}_file": tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    authority.cert_pem.write_to_path(found["kafka_ca_file"])
    own.cert_chain_pems[0].write_to_path(found["kafka_certificate_file"])
    own.private_key_pem.write_to_path(found["kafka_key_file"])
    return found


def context(**values: Any) -> ssl.SSLContext | None:
    return kafka_ssl_context(Settings(kafka_security="ssl", **values))


def test_without_tls_there_is_no_context() -> None:
    assert kafka_ssl_context(Settings()) is None


def test_only_the_configured_authority_is_trusted(files: dict[str, Path]) -> None:
    made = context(**files)

    assert made is not None
    assert [subject["subject"] for subject in made.get_ca_certs()] == [made.get_ca_certs()[0]["issuer"]]
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname


def test_certificate_and_key_may_be_one_file(files: dict[str, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(files["kafka_key_file"].read_bytes() + files["kafka_certificate_file"].read_bytes())

    assert context(kafka_certificate_file=both)


@pytest.mark.parametrize("name", ["kafka_ca_file", "kafka_certificate_file", "kafka_key_file"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"], ids=repr)
def test_an_unusable_file_is_named_in_one_line(files: dict[str, Path], name: str, content: bytes | None) -> None:
    if content is None:
        files[name].unlink()
    else:
        files[name].write_bytes(content)

    with pytest.raises(StartupError, match=f"MATHOPS_{name.upper()}") as refusal:
        context(**files)

    assert "\n" not in str(refusal.value)


def test_a_key_of_another_certificate_is_rejected(files: dict[str, Path], authority: trustme.CA) -> None:
    authority.issue_cert("another").private_key_pem.write_to_path(files["kafka_key_file"])

    with pytest.raises(StartupError, match="MATHOPS_KAFKA_KEY_FILE"):
        context(**files)


def test_an_encrypted_key_is_rejected_without_a_prompt(files: dict[str, Path]) -> None:
    key = load_pem_private_key(files["kafka_key_file"].read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    files["kafka_key_file"].write_bytes(encrypted)

    with pytest.raises(StartupError, match="unencrypted"):
        context(**files)
