"""A PostgreSQL primary and its synchronous standby in one container."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tests.integration.services.containers import POSTGRES, Container
from tests.support.proxy import FaultProxy
from tests.support.server import free_port

_PORTS = (5432, 5433)
# The folder of each server is the number of its port. A commit waits for the standby, so that a failover loses nothing.
_PREPARE = """
export PGUSER=postgres; cd /tmp
start() { pg_ctl -D /tmp/$1 -o "-p $1" -l /tmp/$1.log -w start >/dev/null; }
follow() {
  rm -rf /tmp/$1
  pg_basebackup -D /tmp/$1 -p $2 -h 127.0.0.1 -R -X stream -c fast
  start $1
}
"""
_START = f"""{_PREPARE}
if [ -e /tmp/5432 ] || [ -e /tmp/5433 ]; then
  start 5432; start 5433
else
  initdb -D /tmp/5432 -A trust >/dev/null
  cat >>/tmp/5432/postgresql.conf <<END
listen_addresses = '*'
synchronous_standby_names = '*'
synchronous_commit = off
END
  echo 'host all all all trust' >>/tmp/5432/pg_hba.conf
  start 5432
  follow 5433 5432
fi
touch /tmp/ready
exec sleep infinity
"""
_FAIL_OVER = (
    _PREPARE
    + """
pg_ctl -D /tmp/$OLD -m immediate stop >/dev/null
pg_ctl -D /tmp/$NEW -w promote >/dev/null
"""
)
_REBUILD = _PREPARE + "follow $OLD $NEW"


class PostgresPair:
    """`proxy` leads to the primary."""

    def __init__(self) -> None:
        self._fixed = {inside: free_port() for inside in _PORTS}
        self._primary, self._standby = _PORTS
        self.container = Container(
            POSTGRES, _PORTS, command=["bash", "-c", _START], fixed=self._fixed, options=["--user=postgres"]
        )
        self.container.ready(lambda: self.container.run("test", "-e", "/tmp/ready") == "")
        self.proxy = FaultProxy(("127.0.0.1", self._fixed[self._primary]))

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        pair = cls()
        try:
            with pair.proxy:
                yield pair
        finally:
            pair.container.remove()

    @property
    def url(self) -> str:
        """Of the primary itself."""
        return f"postgresql://postgres@127.0.0.1:{self._fixed[self._primary]}/postgres"

    def fail_over(self) -> None:
        """Kill the primary, promote the standby and lead clients to it."""
        self._run(_FAIL_OVER)
        self._primary, self._standby = self._standby, self._primary
        self.proxy.target = ("127.0.0.1", self._fixed[self._primary])
        self.proxy.cut()

    def rebuild_standby(self) -> None:
        """Copy the new primary to the former one; until then commits wait."""
        old, new = self._standby, self._primary
        self._run(_REBUILD, old, new)

    def _run(self, script: str, old: int | None = None, new: int | None = None) -> None:
        variables = f"OLD={old or self._primary} NEW={new or self._standby}"
        self.container.run("bash", "-ec", f"{variables}\n{script}")
