"""A child process that sends every frame back."""

import sys

from mathops.processes.parent import ParentConnection

if __name__ == "__main__":
    parent = ParentConnection(int(sys.argv[1]))
    for frame in parent.frames():
        parent.send(frame)
