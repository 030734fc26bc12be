"""X-Forwarded-For counts only from trusted proxies."""

from collections.abc import Callable

from tests.support.server import Server

# Each of three clients sends one invalid token; the limit of an address is one.
LIMIT = {"MATHOPS_QUOTA_UNAUTHENTICATED": "1/minute"}
CLIENTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def _statuses(server: Server) -> list[int]:
    return [
        server.client.get("/fib?n=1", headers={"Authorization": "Bearer x", "X-Forwarded-For": client}).status_code
        for client in CLIENTS
    ]


def test_by_default_the_header_is_ignored(start_server: Callable[..., Server]) -> None:
    assert _statuses(start_server(**LIMIT)) == [401, 429, 429]


def test_a_trusted_proxy_names_the_client(start_server: Callable[..., Server]) -> None:
    assert _statuses(start_server(**LIMIT, FORWARDED_ALLOW_IPS="127.0.0.1")) == [401, 401, 401]
