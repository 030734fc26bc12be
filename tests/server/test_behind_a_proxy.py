"""X-Forwarded-For counts only from trusted proxies."""

from collections.abc import Callable

import pytest

from tests.support.server import Server

# Each of three clients sends one invalid token; the limit of an address is one.
LIMIT = {"MATHOPS_QUOTA_UNAUTHENTICATED": "1/minute"}
CLIENTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
ONE_NETWORK = ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::")


def _statuses(server: Server, clients: tuple[str, ...] = CLIENTS) -> list[int]:
    return [
        server.client.get("/fib?n=1", headers={"Authorization": "Bearer x", "X-Forwarded-For": client}).status_code
        for client in clients
    ]


def test_by_default_the_header_is_ignored(start_server: Callable[..., Server]) -> None:
    assert _statuses(start_server(**LIMIT)) == [401, 429, 429]


@pytest.mark.parametrize("trusted", ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "*"])
def test_a_trusted_proxy_names_the_client(start_server: Callable[..., Server], trusted: str) -> None:
    assert _statuses(start_server(**LIMIT, FORWARDED_ALLOW_IPS=trusted)) == [401, 401, 401]


def test_addresses_of_one_ipv6_network_share_a_limit(start_server: Callable[..., Server]) -> None:
    server = start_server(**LIMIT, FORWARDED_ALLOW_IPS="127.0.0.1")

    assert _statuses(server, ONE_NETWORK) == [401, 429, 429]
    assert _statuses(server, ("2001:db8:0:1::1",)) == [401]
