"""The server's side of a connection queue: frames of many clients, with blocking calls."""

import contextlib
import selectors
import socket

from mathops.processes.connection_queue import accept
from mathops.processes.ipc import FrameDecoder, encode_frame
from mathops.processes.signals import ignore_signals

_BUFFER_BYTES = 256 * 1024


class ClientConnection:
    """A client that does not read its replies loses the connection, so that it cannot block the server."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._decoder = FrameDecoder()
        self._broken = False
        self.fileno = connected.fileno
        self.close = connected.close

    def receive(self, buffer: memoryview) -> list[bytes] | None:
        """The frames that have arrived, or None at the end of the connection."""
        try:
            length = 0 if self._broken else self._socket.recv_into(buffer)
        except ConnectionError:
            length = 0
        return self._decoder.feed(buffer[:length]) if length else None

    def send(self, frame: bytes) -> None:
        """Send one frame, unless the client has closed or does not read."""
        data = b"".join(encode_frame(frame))
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            return  # frames that a closed client sent before can still be read
        if sent < len(data):
            self._broken = True
            with contextlib.suppress(OSError):
                # Makes the socket readable, so that the server removes it.
                self._socket.shutdown(socket.SHUT_RDWR)


class FrameServer:
    """Open until all clients have closed the queue and their connections."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is the inherited server end of a ConnectionQueue."""
        ignore_signals()
        self._queue = socket.socket(fileno=descriptor)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._queue, selectors.EVENT_READ)

    @property
    def is_open(self) -> bool:
        return bool(self._selector.get_map())

    @property
    def connections(self) -> list[ClientConnection]:
        return [key.data for key in self._selector.get_map().values() if key.data]

    def receive(self, seconds: float) -> dict[ClientConnection, list[bytes]]:
        """The frames that have arrived, waiting `seconds` for the first; a new connection is there without any."""
        received: dict[ClientConnection, list[bytes]] = {}
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._accept(received)
            elif (frames := key.data.receive(self._buffer)) is None:
                self._selector.unregister(key.fileobj)
                key.data.close()
            elif frames:
                received[key.data] = frames
        return received

    def _accept(self, received: dict[ClientConnection, list[bytes]]) -> None:
        connected = accept(self._queue)
        if connected is None:
            self._selector.unregister(self._queue)
            return
        connection = ClientConnection(connected)
        self._selector.register(connection, selectors.EVENT_READ, connection)
        received[connection] = []
