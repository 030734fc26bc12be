"""Databases in a real PostgreSQL."""

import trustme

from tests.integration.services import certificates
from tests.integration.services.containers import POSTGRES, Container

PASSWORD = "p@ss/word"

_START = f"""{certificates.WRITE}
chown -R postgres /tmp/tls
exec docker-entrypoint.sh postgres \\
  -c ssl=on -c ssl_cert_file=/tmp/tls/certificate.pem -c ssl_key_file=/tmp/tls/key.pem
"""


def start(authority: trustme.CA) -> Container:
    """PostgreSQL, ready, with TLS for those who ask for it."""
    environment = {"POSTGRES_PASSWORD": PASSWORD, **certificates.environment(authority)}
    container = Container(POSTGRES, [5432], environment=environment, command=["sh", "-c", _START])
    # It starts twice; only the second time it listens on TCP.
    return container.ready(lambda: container.run("pg_isready", "-h", "127.0.0.1"))


def database_url(container: Container, name: str, port: int | None = None) -> str:
    """A new, empty database."""
    container.run("psql", "-U", "postgres", "-c", f'CREATE DATABASE "{name}"')
    return f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{port or container.port(5432)}/{name}"


def rows(container: Container, database: str, query: str) -> list[list[str]]:
    """The rows of a query as text."""
    lines = container.run("psql", "-U", "postgres", "-d", database, "-At", "-F", "\t", "-c", query).splitlines()
    return [line.split("\t") for line in lines]
