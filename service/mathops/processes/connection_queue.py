"""Connections from forked processes to one server process that may restart, without an address.

A client makes a socket pair and passes one end through the queue (SCM_RIGHTS). The end waits there until the server
accepts it, so a client need not wait for a restart, and no other process can connect.
"""

import socket
from collections.abc import Callable

Connect = Callable[[], socket.socket]


class ConnectionQueue:
    """Inherited by clients through fork; the server process inherits only `server_end`."""

    def __init__(self) -> None:
        self._client_end, self.server_end = socket.socketpair()
        # A full queue is an error rather than a wait.
        self._client_end.setblocking(False)

    def connect(self) -> socket.socket:
        """The client's end of a new connection; raises OSError if too many connections wait for the server."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._client_end, [b"\0"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """Close both ends in this process. The server receives EOF when all processes have closed theirs."""
        self._client_end.close()
        self.server_end.close()


def accept(server_end: socket.socket) -> socket.socket | None:
    """Wait for the next connection; None when all clients have closed the queue."""
    # One byte per call, because a longer read could merge the descriptors of several connections.
    data, descriptors, _, _ = socket.recv_fds(server_end, 1, 1)
    return socket.socket(fileno=descriptors[0]) if data else None
