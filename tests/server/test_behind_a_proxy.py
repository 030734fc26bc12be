"""Whom the service believes about where a request comes from."""

from collections.abc import Callable

from tests.support.server import Server

# Each of three callers sends one bad token, and one bad token is what one address may send.
REFUSED = {"MATHOPS_QUOTA_UNAUTHENTICATED": "1/minute"}
CALLERS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def _statuses(server: Server) -> list[int]:
    return [
        server.client.get("/fib?n=1", headers={"Authorization": "Bearer x", "X-Forwarded-For": caller}).status_code
        for caller in CALLERS
    ]


def test_by_default_nobody_speaks_for_another_address(start_server: Callable[..., Server]) -> None:
    assert _statuses(start_server(**REFUSED)) == [401, 429, 429]


def test_a_proxy_that_was_named_does(start_server: Callable[..., Server]) -> None:
    assert _statuses(start_server(**REFUSED, FORWARDED_ALLOW_IPS="127.0.0.1")) == [401, 401, 401]
