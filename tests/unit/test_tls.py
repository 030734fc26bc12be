import ssl
from pathlib import Path

import trustme

from mathops.tls import STRICT, client_context


def test_a_private_authority_may_lack_extensions_and_certificates_are_verified(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)

    context = client_context(authority)

    assert not context.verify_flags & STRICT
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
