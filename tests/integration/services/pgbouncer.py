"""PgBouncer in transaction mode on loopback, in front of a PostgreSQL container."""

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.services.postgres import PASSWORD
from tests.support.server import eventually, free_port

MISSING = shutil.which("pgbouncer") is None

# It refuses startup parameters beyond those that it tracks.
_SETTINGS = """
[databases]
* = host=127.0.0.1 port={server} user=postgres password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_login_retry = 1
"""


@contextmanager
def pgbouncer(server: int) -> Iterator[int]:
    """The port of a pooler for the PostgreSQL on the port `server`."""
    port = free_port()
    # It does not run as root, and other users cannot read pytest's folders.
    arguments = ["-u", "daemon"] if getpass.getuser() == "root" else []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings, log = Path(folder, "pgbouncer.ini"), Path(folder, "pgbouncer.log")
        settings.write_text(_SETTINGS.format(server=server, password=PASSWORD, port=port))
        with log.open("wb") as output:
            process = subprocess.Popen(["pgbouncer", *arguments, settings], stdout=output, stderr=output)
        try:
            eventually(lambda: f"127.0.0.1:{port}" in log.read_text())
            yield port
        finally:
            process.terminate()
            process.wait()
