"""The service with dependencies that require TLS and passwords: rights they need and errors it reports."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest
import trustme

from mathops.journal.database import schema
from mathops.settings import Settings
from mathops.settings_source import env_name
from mathops.shared.circuit_breaker import MAX_FAILURES
from mathops.shared.shared_state import open_shared
from tests.integration.services.certificates import HOST, Trust
from tests.integration.services.containers import Container
from tests.integration.services.kafka import PASSWORD, USER, Kafka, drained
from tests.integration.services.postgres import database_url, rows
from tests.integration.services.redis import PORT, TLS_PORT
from tests.support.commands import run_command
from tests.support.server import Server, eventually

Start = Callable[..., Server]
Command = Callable[..., str]
pytestmark = pytest.mark.timeout(180)


def log_lines(server: Server, event: str) -> list[str]:
    """Lines of the service's log with an event."""
    return [line for line in server.log.read_text().splitlines() if event in line]


def calculate(server: Server) -> int:
    return server.client.get("/pow?base=2&exp=5", headers=server.login()).status_code


def documented(command: str) -> str:
    """The rest of a command in the documentation."""
    found = re.search(rf"^{re.escape(command)} (.+)", Path("docs/operations.md").read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture
def places(redis_container: Container, redis: Command, trust: Trust) -> Iterator[dict[str, object]]:
    """Parts of the URLs below; the user has exactly the rights of the documentation."""
    redis("acl", "setuser", "mathops", "on", ">s3cret", *documented("ACL SETUSER mathops on >PASSWORD").split())
    redis("acl", "log", "reset")
    tls, plain = (f"{HOST}:{redis_container.port(port)}" for port in (TLS_PORT, PORT))
    yield {"tls": tls, "plain": plain, "known": trust.file, "strange": trust.strange}
    redis("acl", "deluser", "mathops")


def test_redis_by_tls_with_the_documented_rights_serves_cache_and_quotas(
    start_server: Start, places: dict[str, object], redis: Command, tmp_path: Path
) -> None:
    secret = tmp_path / "redis-url"
    secret.write_text("rediss://mathops:s3cret@{tls}/0?ssl_ca_certs={known}\n".format(**places))
    server = start_server(MATHOPS_REDIS_URL_FILE=str(secret), MATHOPS_QUOTA_REQUESTS="3/hour")
    alice = server.login("alice")

    statuses = [server.client.get(f"/pow?base={base}&exp=5", headers=alice).status_code for base in (2, 2, 3, 4)]

    assert statuses == [200, 200, 200, 429]
    ready = server.client.get("/readyz").json()
    assert ready["status"] == "ready", ready
    assert {key.split(":")[2] for key in redis("keys", "mathops:*").split()} == {"pow", "limit"}
    assert redis("acl", "log") == ""


def test_a_wrong_password_of_redis_degrades_the_service_and_is_logged_once(
    start_server: Start, places: dict[str, object]
) -> None:
    server = start_server(MATHOPS_REDIS_URL="rediss://mathops:wr0ng@{tls}/0?ssl_ca_certs={known}".format(**places))
    headers = server.login()

    for number in range(MAX_FAILURES + 1):
        assert server.client.get(f"/pow?base={number}&exp=5", headers=headers).status_code == 200

    assert server.metric('mathops_cache_errors_total{reason="error_reply"}') >= MAX_FAILURES
    ready = server.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"]["cache"] == "error_reply"
    (line,) = log_lines(server, "circuit breaker opened")
    assert "invalid username-password pair" in line
    assert "wr0ng" not in server.log.read_text() + ready.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("rediss://mathops:s3cret@{tls}/0?ssl_ca_certs={strange}", "connection: .*CERTIFICATE_VERIFY_FAILED"),
        ("rediss://mathops:s3cret@{tls}/0", "connection: .*CERTIFICATE_VERIFY_FAILED"),
        ("redis://mathops:s3cret@{tls}/0", "connection: Connection closed by server"),
        ("rediss://mathops:s3cret@{plain}/0?ssl_ca_certs={known}", "timeout: "),
    ],
    ids=["strange authority", "no authority", "no TLS at a port with", "TLS at a port without"],
)
async def test_an_untrusted_redis_is_not_used_and_is_logged_once(
    places: dict[str, object], caplog: pytest.LogCaptureFixture, url: str, fault: str
) -> None:
    async with open_shared(Settings(redis_url=url.format(**places))) as shared:
        for number in range(MAX_FAILURES + 1):
            assert await shared.cache.get(str(number)) is None

        assert shared.dependencies["cache"]() == fault.partition(":")[0]
    (line,) = caplog.messages
    assert "circuit breaker opened" in line
    assert re.search(fault, line)
    assert "s3cret" not in line


@pytest.fixture
def secure(kafka: Kafka, topic: str, trust: Trust) -> dict[str, str]:
    """Settings that reach the broker with a password."""
    return {
        "kafka_brokers": kafka.secure,
        "kafka_topic": topic,
        "kafka_security": "sasl_ssl",
        "kafka_username": USER,
        "kafka_password": PASSWORD,
        "kafka_ca_file": str(trust.file),
    }


def test_events_are_kept_until_a_start_with_the_right_password(
    start_server: Start, kafka: Kafka, topic: str, secure: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(f"{secure.pop('kafka_password')}\n")
    variables = {env_name(name): value for name, value in secure.items()}
    server = start_server(**variables, MATHOPS_KAFKA_PASSWORD="wr0ng")
    assert calculate(server) == 200
    eventually(lambda: server.metric("mathops_event_publish_failures_total") >= 1, 30)
    ready = server.client.get("/readyz")
    assert ready.json()["checks"]["kafka"] == "unavailable"
    assert "SaslAuthenticationFailed" in log_lines(server, "relay failed")[0]
    assert "wr0ng" not in server.log.read_text() + ready.text
    assert server.stop() == 0

    again = start_server(**variables, MATHOPS_KAFKA_PASSWORD_FILE=str(tmp_path / "password"))

    assert calculate(again) == 200
    drained(again)
    assert {json.loads(event.value)["id"] for event in kafka.events(topic)} == {row[0] for row in again.rows("id")}
    assert again.client.get("/readyz").json()["status"] == "ready"


def test_certificates_rotated_in_place_are_read_again(
    start_server: Start, places: dict[str, object], kafka: Kafka, trust: Trust, tmp_path: Path
) -> None:
    authority, own = tmp_path / "authority.pem", tmp_path / "own.pem"
    shutil.copy(trust.strange, authority)
    trustme.CA().issue_cert("mathops").private_key_and_cert_chain_pem.write_to_path(own)
    server = start_server(
        MATHOPS_REDIS_URL=f"rediss://mathops:s3cret@{places['tls']}/0?ssl_ca_certs={authority}",
        MATHOPS_KAFKA_BROKERS=kafka.mutual,
        MATHOPS_KAFKA_SECURITY="ssl",
        MATHOPS_KAFKA_CA_FILE=str(authority),
        MATHOPS_KAFKA_CERTIFICATE_FILE=str(own),
    )

    def checks(*names: str) -> set[str]:
        assert calculate(server) == 200
        found = server.client.get("/readyz").json()["checks"]
        return {found[name] for name in names}

    eventually(lambda: "ok" not in checks("cache", "rate_limits", "kafka"), 30)
    shutil.copy(trust.file, authority)
    eventually(lambda: checks("cache", "rate_limits") == {"ok"}, 90)
    assert checks("kafka") == {"unavailable"}

    trust.authority.issue_cert("mathops").private_key_and_cert_chain_pem.write_to_path(own)

    eventually(lambda: checks("kafka") == {"ok"}, 60)
    drained(server)


@pytest.fixture
def guarded(kafka: Kafka, topic: str) -> Iterator[None]:
    """The topic and the cluster are somebody else's alone."""
    kafka.make_topic(topic)
    for place in (["--cluster"], ["--topic", topic]):
        kafka.acls("--add", "--allow-principal", "User:somebody", "--operation", "All", *place)
    yield
    kafka.acls("--remove", "--force", "--cluster")


@pytest.mark.usefixtures("guarded")
def test_events_are_kept_until_the_user_may_write_and_need_no_other_right(
    start_server: Start, kafka: Kafka, topic: str, secure: dict[str, str]
) -> None:
    server = start_server(**{env_name(name): value for name, value in secure.items()})
    assert calculate(server) == 200
    eventually(lambda: server.client.get("/readyz").json()["checks"]["kafka"] == "unavailable", 30)
    assert "AuthorizationFailed" in log_lines(server, "relay failed")[0]
    assert kafka.events(topic) == []

    kafka.acls(*documented("kafka-acls.sh --bootstrap-server BROKER").replace("math-requests", topic).split())

    drained(server)
    assert len(kafka.events(topic)) == len(server.rows("id")) == 1
    assert server.client.get("/readyz").json()["status"] == "ready"


def replay(folder: Path, values: dict[str, str]) -> CompletedProcess[str]:
    """Run the command that connects to the broker as the relay does."""
    url = f"sqlite:///{folder / 'mathops.db'}"
    schema.upgrade(url)
    variables = {env_name(name): value for name, value in {**values, "database_url": url}.items()}
    return Server(folder, variables).run("events", "replay", "--since", "2026-01-01")


def test_a_broker_accepts_user_and_password_by_plain_too(secure: dict[str, str], tmp_path: Path) -> None:
    result = replay(tmp_path, {**secure, "kafka_sasl_mechanism": "PLAIN"})

    assert (result.stdout, result.stderr) == ("published 0 events again\n", "")


@pytest.mark.parametrize("shown", [True, False])
def test_a_broker_that_requires_a_certificate_accepts_ours(
    kafka: Kafka, topic: str, trust: Trust, tmp_path: Path, shown: bool
) -> None:
    own = tmp_path / "own.pem"
    trust.authority.issue_cert("mathops").private_key_and_cert_chain_pem.write_to_path(own)
    values = {"brokers": kafka.mutual, "topic": topic, "security": "ssl", "ca_file": str(trust.file)}
    if shown:
        values["certificate_file"] = str(own)

    result = replay(tmp_path, {f"kafka_{name}": value for name, value in values.items()})

    assert result.returncode == (0 if shown else 1)
    assert shown or f"cannot publish events: {kafka.mutual}: " in result.stderr


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "UnsupportedSaslMechanismError"),
        ({"ca_file": "{strange}"}, "CERTIFICATE_VERIFY_FAILED"),
        ({"security": "sasl_plaintext", "ca_file": ""}, "closed"),
    ],
    ids=["mechanism", "authority", "no TLS"],
)
def test_an_unusable_broker_is_reported_with_its_address_and_the_reason(
    secure: dict[str, str], trust: Trust, tmp_path: Path, values: dict[str, str], fault: str
) -> None:
    wrong = {f"kafka_{name}": value.format(strange=trust.strange) for name, value in values.items()}

    result = replay(tmp_path, {**secure, **wrong})

    assert result.returncode == 1
    assert re.fullmatch(f"Error: cannot publish events: {secure['kafka_brokers']}: .*{fault}.*\n", result.stderr)
    assert PASSWORD not in result.stderr


def test_postgresql_by_tls_is_used_only_where_its_certificate_is_trusted(
    start_server: Start, postgres_container: Container, trust: Trust
) -> None:
    name = uuid4().hex
    url = f"{database_url(postgres_container, name)}?sslmode=verify-full&sslrootcert="
    server = start_server(MATHOPS_DATABASE_URL=f"{url}{trust.file}")
    assert calculate(server) == 200
    sessions = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{}' AND {}"
    ours = sessions.format(name, "application_name = 'mathops'")
    assert rows(postgres_container, name, ours) == [["t"]]

    refused = run_command({"MATHOPS_DATABASE_URL": f"{url}{trust.strange}"}, "db", "check")

    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "certificate verify failed" in refused.stderr
    assert "p@ss" not in refused.stderr
