"""A server process: its first reply is the configuration and the restarts, then the length of each frame."""

import sys
import time

from mathops.processes.frame_server import FrameServer


def main() -> None:
    server = FrameServer(int(sys.argv[1]))
    configuration = sys.stdin.buffer.read()
    while server.is_open:
        for connection, frames in server.receive(60).items():
            replies = [str(len(frame)).encode() for frame in frames]
            for reply in replies or [configuration + b" " + sys.argv[2].encode()]:
                connection.send(reply)
    if configuration == b"linger":
        time.sleep(60)


if __name__ == "__main__":
    main()
