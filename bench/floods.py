"""Latency of small requests and memory of the web worker during each flood of tests/support/raw_requests.py.

Another process floods four connections and reads no response. A connection that the service closes is opened again.
"""

import argparse
import multiprocessing
import selectors
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import servers
from mixed_load import latencies, table_row
from tests.support.raw_requests import FLOODS, HIGH_QUOTA

PORT = 5860
CONNECTIONS = 4
PIECE_BYTES = 65536
MIB = 2**20


def flood(start: bytes, piece: bytes) -> None:
    """Send `start` and then `piece` without end."""
    pieces = piece * (PIECE_BYTES // len(piece))
    selector = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        _open(selector, start)
    while True:
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            unsent: bytes = key.data or pieces
            try:
                sent = connection.send(unsent)
            except OSError:
                selector.unregister(connection)
                connection.close()
                # A client that opens connections in a busy loop would measure something else.
                time.sleep(0.01)
                _open(selector, start)
            else:
                selector.modify(connection, selectors.EVENT_WRITE, unsent[sent:])


def _open(selector: selectors.BaseSelector, start: bytes) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", PORT))
    connection.sendall(start)
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_WRITE, b"")


@contextmanager
def flooding(start: bytes, piece: bytes) -> Iterator[None]:
    process = multiprocessing.Process(target=flood, args=(start, piece), daemon=True)
    process.start()
    try:
        time.sleep(0.5)
        yield
        assert process.is_alive(), "the flood ended"
    finally:
        process.kill()
        process.join()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    targets = (f"/pow?base=2&exp={number % 500}" for number in count())
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch,
        servers.running(servers.mathops(Path(scratch), PORT, **HIGH_QUOTA)) as service,
    ):
        servers.wait(PORT, "/livez")
        children = psutil.Process(service.pid).children()
        [worker] = [child for child in children if "mathops.journal.process" not in child.cmdline()]
        token = servers.login(PORT)
        latencies(PORT, token, targets, 1)
        idle = worker.memory_info().rss
        print("| flood | responses | p50 ms | p99 ms | max ms | MiB above idle |")
        print("|---|---:|---:|---:|---:|---:|")
        print(table_row("none", latencies(PORT, token, targets, seconds)), "0 |")
        for name, (start, piece) in FLOODS.items():
            with flooding(start, piece):
                row = table_row(name, latencies(PORT, token, targets, seconds))
                print(row, f"{(worker.memory_info().rss - idle) / MIB:.0f} |", flush=True)


if __name__ == "__main__":
    main()
