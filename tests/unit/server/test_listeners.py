"""The bound sockets of each listen address."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from mathops.errors import StartupError
from mathops.server.listeners import bind
from mathops.settings import Settings


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(opened: ExitStack, host: str, port: int = 0) -> list[socket.socket]:
    sockets = bind(Settings(http_host=host, http_port=port))
    for listener in sockets:
        opened.enter_context(closing(listener))
    return sockets


def test_one_address_has_one_socket(opened: ExitStack) -> None:
    (listener,) = bound(opened, "127.0.0.1")

    assert listener.getsockname()[0] == "127.0.0.1"


def test_every_address_is_listened_on_with_one_port(opened: ExitStack) -> None:
    sockets = bound(opened, "::")

    assert len({listener.getsockname()[1] for listener in sockets}) == 1
    assert sockets[0].family == socket.AF_INET


@pytest.mark.parametrize("reason", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_host_without_ipv6_listens_on_ipv4(opened: ExitStack, monkeypatch: pytest.MonkeyPatch, reason: int) -> None:
    class WithoutIPv6(socket.socket):
        def __init__(self, family: int = -1, *arguments: Any, **others: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(reason, "no IPv6")
            super().__init__(family, *arguments, **others)

    monkeypatch.setattr(socket, "socket", WithoutIPv6)

    (listener,) = bound(opened, "::")

    assert listener.family == socket.AF_INET


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_a_used_port_is_reported(opened: ExitStack, host: str) -> None:
    (used,) = bound(opened, "0.0.0.0")
    used.listen()

    with pytest.raises(StartupError, match="change MATHOPS_HTTP_PORT"):
        bind(Settings(http_host=host, http_port=used.getsockname()[1]))
