"""Databases in a real PostgreSQL."""

from tests.integration.services.containers import Container

PASSWORD = "p@ss/word"


def database_url(container: Container, name: str, port: int | None = None) -> str:
    """A new, empty database."""
    container.run("psql", "-U", "postgres", "-c", f'CREATE DATABASE "{name}"')
    return f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{port or container.port(5432)}/{name}"


def rows(container: Container, database: str, query: str) -> list[list[str]]:
    """What a query gives, as text."""
    lines = container.run("psql", "-U", "postgres", "-d", database, "-At", "-F", "\t", "-c", query).splitlines()
    return [line.split("\t") for line in lines]
