from pathlib import Path

import trustme

from mathops.shared import redis_client


def test_connections_share_one_tls_context(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    pool = redis_client.client(f"rediss://127.0.0.1/0?ssl_ca_certs={authority}", 1).connection_pool

    one, two = pool.make_connection(), pool.make_connection()

    assert one is not two
    assert one.ssl_context.get() is two.ssl_context.get()
