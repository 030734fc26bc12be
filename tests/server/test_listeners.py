"""MATHOPS_HTTP_HOST=:: listens on every IPv4 and IPv6 address."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.support.server import Server


def has_ipv6() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="the host has no IPv6")

# Only IPv4 clients are trusted to name another client; each named client may send one invalid token.
VARIABLES = {
    "MATHOPS_HTTP_HOST": "::",
    "FORWARDED_ALLOW_IPS": "127.0.0.0/8",
    "MATHOPS_QUOTA_UNAUTHENTICATED": "1/minute",
}


def statuses(server: Server, host: str) -> list[int]:
    url = f"http://{host}:{server.port}/fib?n=1"
    headers = [{"Authorization": "Bearer x", "X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2)]
    return [httpx2.get(url, headers=sent).status_code for sent in headers]


def test_clients_of_both_families_have_addresses_of_their_own_family(start_server: Callable[..., Server]) -> None:
    server = start_server(**VARIABLES)

    assert statuses(server, "127.0.0.1") == [401, 401]
    assert statuses(server, "[::1]") == [401, 429]


@pytest.mark.slow
def test_a_reloading_server_listens_on_both_families(tmp_path: Path) -> None:
    server = Server(tmp_path, VARIABLES)
    try:
        server.start("--reload")

        assert statuses(server, "127.0.0.1") == [401, 401]
        assert statuses(server, "[::1]") == [401, 429]
    finally:
        server.kill()
