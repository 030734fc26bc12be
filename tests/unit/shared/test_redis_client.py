from pathlib import Path

import trustme

from mathops.shared import redis_client
from mathops.tls import STRICT


def test_connections_share_one_tls_context(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    pool = redis_client.client(f"rediss://127.0.0.1/0?ssl_ca_certs={authority}", 1).connection_pool

    one, two = pool.make_connection(), pool.make_connection()

    assert one is not two
    assert one.ssl_context.get() is two.ssl_context.get()


def test_a_private_authority_may_lack_extensions(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    # Python 3.13 sets the flag itself.
    options = f"ssl_ca_certs={authority}&ssl_include_verify_flags=VERIFY_X509_STRICT"
    pool = redis_client.client(f"rediss://127.0.0.1/0?{options}", 1).connection_pool

    assert not pool.make_connection().ssl_context.get().verify_flags & STRICT
