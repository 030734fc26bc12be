"""The service with its journal in a real PostgreSQL, which replicas share."""

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from mathops.journal.database import schema
from mathops.journal.database.engine import WriteEngine, database_of
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.integration.services.pgbouncer import MISSING, pgbouncer
from tests.integration.services.postgres import database_url, rows
from tests.support.commands import run_command
from tests.support.load import Load
from tests.support.proxy import FaultProxy
from tests.support.server import Server, eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def database() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def proxy(postgres_container: Container) -> Iterator[FaultProxy]:
    with FaultProxy(("127.0.0.1", postgres_container.port(5432))) as proxy:
        yield proxy


@pytest.fixture
def replicas(postgres_container: Container, database: str, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers with the same keys and database, like two pods."""
    variables = {
        "MATHOPS_DATABASE_URL": database_url(postgres_container, database),
        "MATHOPS_KEYS_FILE": str(tmp_path / "keys.json"),
    }
    servers = []
    try:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            servers.append(Server(tmp_path / name, variables))
            servers[-1].start()
        yield servers
    finally:
        for server in servers:
            server.kill()


def test_replicas_share_one_journal_and_one_history(
    postgres_container: Container, database: str, replicas: list[Server]
) -> None:
    one, two = replicas
    headers = one.login()
    for server, number in ((one, 1), (two, 2), (one, 3), (two, 4)):
        assert server.client.get(f"/pow?base={number}&exp=1", headers=headers).status_code == 200

    records = two.client.get("/history", headers=headers).json()["records"]

    assert [record["result"] for record in records] == ["4", "3", "2", "1"]
    stored = rows(postgres_container, database, "SELECT result FROM requests ORDER BY seq")
    assert stored == [["1"], ["2"], ["3"], ["4"]]


def test_a_token_revoked_by_one_replica_is_rejected_by_the_other(replicas: list[Server]) -> None:
    one, two = replicas
    headers = one.login()
    assert two.client.get("/history", headers=headers).status_code == 200

    assert one.client.post("/logout", headers=headers).status_code == 204

    eventually(lambda: two.client.get("/history", headers=headers).status_code == 401, 2)


def test_old_rows_are_deleted_as_in_sqlite(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    url = database_url(postgres_container, database)
    server = start_server(MATHOPS_DATABASE_URL=url, MATHOPS_RETENTION_ROWS="2")
    headers = server.login()
    for number in range(5):
        assert server.client.get(f"/pow?base={number}&exp=1", headers=headers).status_code == 200

    eventually(lambda: rows(postgres_container, database, "SELECT count(*) FROM requests") == [["2"]], 30)


def test_a_database_that_goes_withholds_answers_and_is_used_again_when_it_is_back(
    start_server: Callable[..., Server], postgres_container: Container, database: str, proxy: FaultProxy
) -> None:
    url = database_url(postgres_container, database, proxy.port)
    server = start_server(MATHOPS_DATABASE_URL=url, MATHOPS_JOURNAL_TIMEOUT_SECONDS="2")
    headers = server.login()
    ask = "/pow?base=2&exp=5"
    assert server.client.get(ask, headers=headers).status_code == 200

    proxy.set("refuse")
    refused = server.client.get(ask, headers=headers)
    assert refused.json()["type"] == "/problems/journal-unavailable"
    assert "p@ss" not in refused.text + server.log.read_text()
    eventually(lambda: server.client.get("/readyz").status_code == 503)

    proxy.set("pass")
    eventually(lambda: server.client.get("/readyz").status_code == 200, 20)
    assert server.client.get(ask, headers=headers).status_code == 200


def stored(container: Container, database: str) -> Counter[str]:
    """Rows of the journal by request id."""
    return Counter(row[0] for row in rows(container, database, "SELECT request_id FROM requests"))


def test_connections_that_the_server_terminates_fail_no_request(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    server = start_server(MATHOPS_DATABASE_URL=database_url(postgres_container, database))
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mathops'"
    with Load(server) as load:
        for _ in range(5):
            load.more(20)
            assert rows(postgres_container, database, terminate)
        load.more(20)

    assert set(load.answers.values()) == {200}, server.log.read_text()
    assert stored(postgres_container, database) == Counter(load.acknowledged)


def test_connections_that_end_while_they_open_fail_no_request(
    start_server: Callable[..., Server], postgres_container: Container, database: str, proxy: FaultProxy
) -> None:
    server = start_server(MATHOPS_DATABASE_URL=database_url(postgres_container, database, proxy.port))
    headers = server.login()
    for number in range(20):
        proxy.cut()
        proxy.refusals = 1
        assert server.client.get(f"/pow?base={number}&exp=2", headers=headers).status_code == 200


def test_a_pooler_in_transaction_mode_fails_no_request(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    if MISSING and not os.environ.get("CI"):
        pytest.skip("pgbouncer is not installed")
    database_url(postgres_container, database)
    with pgbouncer(postgres_container.port(5432)) as port:
        url = f"postgresql://postgres:any@127.0.0.1:{port}/{database}"
        server = start_server(MATHOPS_DATABASE_URL=url, MATHOPS_RETENTION_ROWS="1000000")
        with Load(server, callers=8) as load:
            load.more(300)
        history = server.client.get("/history", headers=server.login("load"))
        ready = server.client.get("/readyz")

    assert set(load.answers.values()) == {200}
    assert (history.status_code, ready.status_code) == (200, 200)
    assert stored(postgres_container, database) == Counter(load.acknowledged)


def test_the_service_is_not_ready_while_its_user_may_not_insert(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    def command(statement: str) -> None:
        postgres_container.run("psql", "-U", "postgres", "-d", database, "-c", statement)

    url = database_url(postgres_container, database)
    role = f"role_{database}"
    command(f"CREATE ROLE {role} LOGIN PASSWORD 'word'")
    command(f'ALTER DATABASE "{database}" OWNER TO {role}')
    server = start_server(MATHOPS_DATABASE_URL=url.replace("postgres:p%40ss%2Fword", f"{role}:word"))
    assert server.client.get("/readyz").status_code == 200

    command(f"REVOKE INSERT ON requests FROM {role}")
    eventually(lambda: server.client.get("/readyz").status_code == 503)
    assert server.client.get("/pow?base=2&exp=5", headers=server.login()).status_code == 503
    assert role not in server.client.get("/readyz").text

    command(f"GRANT INSERT ON requests TO {role}")
    eventually(lambda: server.client.get("/readyz").status_code == 200)
    assert server.client.get("/pow?base=2&exp=5", headers=server.login()).status_code == 200


def test_a_crash_loses_no_commit_whatever_the_servers_default(postgres_container: Container, database: str) -> None:
    url = database_url(postgres_container, database)
    postgres_container.run("psql", "-U", "postgres", "-c", f'ALTER DATABASE "{database}" SET synchronous_commit = off')
    schema.upgrade(url)
    with closing(WriteEngine(database_of(url))) as writer, writer.transaction() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_migration_has_no_time_limit(postgres_container: Container, database: str) -> None:
    url = database_url(postgres_container, database)
    found = database_of(url)
    with closing(WriteEngine(found, found.begin_migration)) as writer, writer.transaction() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "0"


def test_parameters_of_the_url_are_kept(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    url = database_url(postgres_container, database)
    postgres_container.run("psql", "-U", "postgres", "-d", database, "-c", "CREATE SCHEMA other")
    parameters = "application_name=calculator&options=-csearch_path%3Dother&target_session_attrs=read-write"
    server = start_server(MATHOPS_DATABASE_URL=f"{url}?{parameters}")
    headers = server.login()

    assert server.client.get("/pow?base=2&exp=5", headers=headers).status_code == 200
    assert len(server.client.get("/history", headers=headers).json()["records"]) == 1
    assert rows(postgres_container, database, "SELECT result FROM other.requests") == [["32"]]
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'calculator'"
    assert rows(postgres_container, database, query) == [["t"]]


def test_a_database_that_cannot_hold_every_character_is_rejected(postgres_container: Container, database: str) -> None:
    create = f"CREATE DATABASE \"{database}\" ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"
    postgres_container.run("psql", "-U", "postgres", "-c", create)
    url = f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{postgres_container.port(5432)}/{database}"

    result = run_command({"MATHOPS_DATABASE_URL": url}, "db", "upgrade")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "create it with ENCODING 'UTF8'" in result.stderr


def test_its_rows_are_published_once_with_two_replicas(
    postgres_container: Container, database: str, kafka: Kafka, topic: str, tmp_path: Path
) -> None:
    url = database_url(postgres_container, database)
    variables = {
        "MATHOPS_DATABASE_URL": url,
        "MATHOPS_KEYS_FILE": str(tmp_path / "keys.json"),
        "MATHOPS_KAFKA_BROKERS": kafka.brokers,
        "MATHOPS_KAFKA_TOPIC": topic,
    }
    servers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        servers.append(Server(tmp_path / name, variables))
    try:
        started = [server.start() for server in servers]
        headers = started[0].login()
        for number in range(40):
            started[number % 2].client.get(f"/pow?base={number}&exp=1", headers=headers)
        eventually(lambda: rows(postgres_container, database, "SELECT position FROM relay") == [["40"]], 60)

        events = kafka.events(topic)

        ids = [row[0] for row in rows(postgres_container, database, "SELECT id FROM requests ORDER BY seq")]
        assert [event.value.split(b'"')[3].decode() for event in events] == ids
    finally:
        for server in servers:
            server.kill()


def test_history_and_upkeep_by_the_command_line_are_as_in_sqlite(
    start_server: Callable[..., Server], postgres_container: Container, database: str
) -> None:
    variables = {"MATHOPS_DATABASE_URL": database_url(postgres_container, database)}
    run = partial(run_command, variables)
    assert run("db", "check").stderr == "Error: the schema belongs to another version; run mathops db upgrade\n"
    assert run("db", "upgrade").stdout == f"revision {schema.newest()}\n"
    server = start_server(**variables)
    for user in ("alice", "bob", "alice"):
        assert server.client.get("/pow?base=2&exp=5", headers=server.login(user)).status_code == 200

    document = json.loads(run("db", "check", "--json").stdout)
    records = json.loads(run("history", "--user", "alice", "--limit", "5", "--json").stdout)["records"]
    filters = ("--operation", "pow", "--outcome", "ok", "--status", "200", "--since", "1h", "--user", "bob")
    filtered = json.loads(run("history", *filters, "--json").stdout)["records"]
    headers = server.login("alice")
    newer = server.client.get("/history?outcome=ok", headers=headers).json()["newer"]
    assert server.client.get("/fib?n=10", headers=headers).status_code == 200
    followed = server.client.get(newer, headers=headers).json()["records"]
    backup = run("db", "backup", "copy")

    assert [record["user"] for record in filtered] == ["bob"]
    assert [record["result"] for record in followed] == ["55"]
    assert (document["errors"], document["revision"]) == ([], document["newest"])
    assert (document["database"], document["version"][:3]) == ("PostgreSQL", "17.")
    assert [record["user"] for record in records] == ["alice", "alice"]
    assert [line.split()[1] for line in run("history").stdout.splitlines()[1:]] == ["alice", "alice", "bob", "alice"]
    assert (backup.exit_code, backup.stdout) == (1, "")
    assert "pg_dump" in backup.stderr


@pytest.mark.parametrize("command", [("history",), ("db", "check"), ("db", "upgrade")])
def test_a_database_that_is_not_there_is_one_line(postgres_container: Container, command: tuple[str, ...]) -> None:
    url = f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{postgres_container.port(5432)}/absent"

    result = run_command({"MATHOPS_DATABASE_URL": url}, *command)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert 'database "absent" does not exist' in result.stderr
    assert "p@ss" not in result.stderr
