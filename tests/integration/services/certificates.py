"""Certificates for the containers, and for who asks them."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

HOST = "127.0.0.1"

# For a container's shell, with the environment below: containers need not share a file system with the tests.
WRITE = """
(umask 077; mkdir -p /tmp/tls
for name in authority certificate key; do printenv "TLS_$name" >"/tmp/tls/$name.pem"; done)
"""


class Trust:
    """The authority of all parts, the file of its certificate, and that of another which signed nothing here."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.file, self.strange = folder / "ca.pem", folder / "strange.pem"
        self.authority.cert_pem.write_to_path(self.file)
        trustme.CA().cert_pem.write_to_path(self.strange)


def environment(authority: trustme.CA) -> dict[str, str]:
    """The authority, and a certificate for HOST that it signed, as PEM."""
    issued = authority.issue_cert(HOST)
    return {
        "TLS_authority": authority.cert_pem.bytes().decode(),
        "TLS_certificate": "".join(pem.bytes().decode() for pem in issued.cert_chain_pems),
        "TLS_key": _pkcs8(issued.private_key_pem.bytes()).decode(),
    }


def _pkcs8(key: bytes) -> bytes:
    """The one form that Kafka reads."""
    return load_pem_private_key(key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
