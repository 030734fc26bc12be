"""The listening sockets, bound before anything else starts."""

import errno
import socket

from mathops.errors import StartupError
from mathops.settings import Settings

EVERY_IPV4, EVERY_ADDRESS = "0.0.0.0", "::"  # noqa: S104 - the operator selects them
# Of a host without IPv6.
_NO_FAMILY = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


def bind(settings: Settings) -> list[socket.socket]:
    """Sockets bound to MATHOPS_HTTP_HOST; raises StartupError.

    `::` has one socket per address family. One socket for both families would show IPv4 clients as `::ffff:a.b.c.d`,
    which is not in the IPv4 networks of FORWARDED_ALLOW_IPS.
    """
    host, port = settings.http_host, settings.http_port
    try:
        if host == EVERY_ADDRESS:
            return _bind_every_address(port)
        return [_bound(host, port)]
    except OSError as error:
        advice = "change MATHOPS_HTTP_PORT or MATHOPS_HTTP_HOST"
        raise StartupError(f"cannot listen on {host} port {port}: {error.strerror or error}; {advice}") from None


def _bind_every_address(port: int) -> list[socket.socket]:
    ipv4 = _bound(EVERY_IPV4, port)
    try:
        return [ipv4, _bound(EVERY_ADDRESS, ipv4.getsockname()[1])]
    except OSError as error:
        if error.errno in _NO_FAMILY:
            return [ipv4]
        ipv4.close()
        raise


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
