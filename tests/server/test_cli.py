"""The command line on the machine of a running server and over HTTP, and startup errors of `mathops serve`."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.support.commands import WITHOUT_DAC_OVERRIDE, run_command
from tests.support.load import Load
from tests.support.server import Server, eventually, free_port

TRACED = {"OTEL_TRACES_EXPORTER": "otlp"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Shared by all tests of this module; each test logs in as a different user."""
    server = Server(tmp_path_factory.mktemp("server"), {})
    yield server.start()
    server.kill()


@pytest.fixture
def idle(tmp_path: Path) -> Server:
    """A configured server that is not running."""
    return Server(tmp_path, {})


def run_local(server: Server, *arguments: str, stdin: str | None = None) -> Result:
    """Run a command with the settings of the service."""
    return run_command(server.environment, *arguments, stdin=stdin)


def run_remote(server: Server, *arguments: str, token: str = "", stdin: str | None = None) -> Result:
    """Run a command with --url."""
    variables = {"MATHOPS_TOKEN": token} if token else {}
    return run_command(variables, *arguments, "--url", f"http://127.0.0.1:{server.port}", stdin=stdin)


def token_of(server: Server, user: str = "alice") -> str:
    return run_local(server, "token", user).stdout.strip()


def assert_error_line(code: int, stdout: str, stderr: str, *texts: str) -> None:
    """The command failed with exit code 1 and one line on stderr."""
    assert code == 1, stderr
    assert stdout == ""
    assert stderr.count("\n") == 1, stderr
    assert all(text in stderr for text in texts), stderr


def assert_rejected(result: Result, *texts: str) -> None:
    assert_error_line(result.exit_code, result.stdout, result.stderr, *texts)


def assert_fails(result: subprocess.CompletedProcess[str], *texts: str) -> None:
    assert_error_line(result.returncode, result.stdout, result.stderr, *texts)


def test_a_local_token_is_accepted_and_the_request_is_recorded(server: Server) -> None:
    result = run_remote(server, "pow", "-2", "5", token=token_of(server, "carol"))

    assert (result.exit_code, result.stdout, result.stderr) == (0, "-32\n", "")
    assert server.rows("operation, result, status", "user = 'carol'") == [("pow", "-32", 200)]


def test_local_and_remote_json_are_equal(server: Server) -> None:
    response = run_remote(server, "fact", "1000", "--json", token=token_of(server)).stdout

    assert response == run_local(server, "fact", "1000", "--json").stdout
    assert json.loads(response)["digits"] == 2568


def test_a_long_remote_result_is_complete(server: Server) -> None:
    response = run_remote(server, "fib", "1000000", token=token_of(server)).stdout

    assert response == run_local(server, "fib", "1000000").stdout
    assert len(response) == 208_988 + 1


def test_a_rejected_request_is_reported_in_one_line(server: Server) -> None:
    assert_rejected(run_remote(server, "pow", "2", "5"), "Error: HTTP 401", "mathops login --url")
    assert_rejected(
        run_remote(server, "pow", "2", "5", token="x.y.z"),
        "Error: HTTP 401",
        "malformed",
        "check --token or MATHOPS_TOKEN",
    )
    rejected = run_remote(server, "fact", "99999999", token=token_of(server))
    assert_rejected(rejected, "Error: HTTP 422", "limit is 6000000", "(request ")


def test_a_remote_token_is_accepted(server: Server) -> None:
    token = run_remote(server, "token", "dave").stdout.strip()

    assert run_remote(server, "fib", "7", token=token).stdout == "13\n"
    assert server.rows("result", "user = 'dave'") == [("13",)]


def test_a_login_with_a_password_reads_it_from_a_pipe(
    start_server: Callable[..., Server], idle: Server, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(run_local(idle, "users", "hash", "bob", stdin="s3cret\n").stdout)
    server = start_server(MATHOPS_USERS_FILE=str(users))

    assert run_remote(server, "token", "bob", "--password", stdin="s3cret\n").exit_code == 0
    assert_rejected(
        run_remote(server, "token", "bob", "--password", stdin="wrong\n"), "HTTP 401", "wrong user or password"
    )
    assert_rejected(run_remote(server, "token", "bob"), "HTTP 422", "password")


@pytest.fixture
def logged_in(idle: Server, tmp_path: Path) -> Callable[..., Result]:
    """Run commands that share a folder of kept tokens."""
    return lambda server, *arguments, **options: run_command(
        {"XDG_CONFIG_HOME": str(tmp_path / "config"), "MATHOPS_URL": f"localhost:{server.port}"}, *arguments, **options
    )


def test_a_login_keeps_a_token_that_a_logout_revokes(
    server: Server, tmp_path: Path, logged_in: Callable[..., Result]
) -> None:
    address = f"http://localhost:{server.port}"

    login = logged_in(server, "login", "--user", "ivan")
    [file] = tmp_path.rglob("*.json")
    mode, token = file.stat().st_mode & 0o777, json.loads(file.read_text())["token"]
    power = logged_in(server, "pow", "2", "5")
    history = json.loads(logged_in(server, "history", "--json").stdout)["records"]
    logout = logged_in(server, "logout")

    assert (login.exit_code, login.stderr) == (0, "")
    assert login.stdout.startswith(f"logged in to {address} as ivan until 20")
    assert mode == 0o600
    assert power.stdout == "32\n"
    assert [record["user"] for record in history] == ["ivan"]
    assert (logout.exit_code, logout.stdout) == (0, f"logged out from {address}\n")
    assert not file.exists()
    assert_rejected(logged_in(server, "history"), "Error: HTTP 401", f"run mathops login --url {address}")
    assert_rejected(logged_in(server, "logout"), f"Error: no token is kept for {address}")
    assert_rejected(run_remote(server, "history", token=token), "Error: HTTP 401", "revoked")


def test_a_login_prompts_for_the_password_if_the_service_requires_one(
    start_server: Callable[..., Server], idle: Server, tmp_path: Path, logged_in: Callable[..., Result]
) -> None:
    users = tmp_path / "users"
    users.write_text(run_local(idle, "users", "hash", "bob", stdin="s3cret\n").stdout)
    server = start_server(MATHOPS_USERS_FILE=str(users))

    assert_rejected(logged_in(server, "login", "--user", "bob", stdin="wrong\n"), "HTTP 401", "wrong user or password")
    assert_rejected(logged_in(server, "history"), "HTTP 401")
    assert logged_in(server, "login", stdin="bob\ns3cret\n").exit_code == 0
    assert logged_in(server, "history").exit_code == 0


def test_an_expired_token_is_reported_with_the_command_that_replaces_it(
    start_server: Callable[..., Server], logged_in: Callable[..., Result]
) -> None:
    server = start_server(MATHOPS_TOKEN_LIFETIME_SECONDS="1", MATHOPS_TOKEN_LEEWAY_SECONDS="0")
    logged_in(server, "login", "--user", "mallory")

    # The service counts whole seconds and may reject the token a moment earlier.
    result = eventually(lambda: "kept" in (found := logged_in(server, "history")).stderr and found)

    log_in = f"run mathops login --url http://localhost:{server.port}"
    assert_rejected(result, "Error: the kept token expired at 20", log_in)
    assert logged_in(server, "logout").exit_code == 0
    assert_rejected(logged_in(server, "logout"), "no token is kept")


def test_local_history_has_all_users_and_remote_history_has_one(server: Server) -> None:
    for user in ("erin", "frank", "erin"):
        run_remote(server, "fib", "10", token=token_of(server, user))

    all_records = json.loads(run_local(server, "history", "--json", "--limit", "3").stdout)["records"]
    own_records = json.loads(run_remote(server, "history", "--json", token=token_of(server, "erin")).stdout)["records"]

    assert [record["user"] for record in all_records] == ["erin", "frank", "erin"]
    assert own_records == [record for record in all_records if record["user"] == "erin"]


def test_remote_history_follows_pages(server: Server) -> None:
    headers = server.login("grace")
    for n in range(205):
        server.client.get(f"/fib?n={n}", headers=headers)

    response = run_remote(server, "history", "--json", "--limit", "203", token=token_of(server, "grace")).stdout

    numbers = [record["parameters"]["n"] for record in json.loads(response)["records"]]
    assert numbers == [str(n) for n in range(204, 1, -1)]


def test_remote_filters_select_the_records_that_local_filters_select(server: Server) -> None:
    headers = server.login("judy")
    for path in ("/fib?n=1", "/fib?n=x", "/fact?n=3", "/fact?n=y", "/fib?n=5"):
        server.client.get(path, headers=headers)
    token = token_of(server, "judy")

    for filters, expected in (
        (("--operation", "fib"), ["5", "x", "1"]),
        (("--outcome", "ok", "--limit", "2"), ["5", "3"]),
        (("--outcome", "invalid-parameter", "--operation", "fact", "--status", "422"), ["y"]),
        (("--since", "1h", "--outcome", "error"), ["y", "x"]),
        (("--since", "2999-01-01"), []),
    ):
        remote = json.loads(run_remote(server, "history", "--json", *filters, token=token).stdout)
        local = json.loads(run_local(server, "history", "--json", "--user", "judy", *filters).stdout)
        assert [record["parameters"]["n"] for record in remote["records"]] == expected
        assert local == remote


def test_top_shows_the_load_of_one_interval(server: Server) -> None:
    with Load(server) as load:
        load.more(10)
        result = run_remote(server, "top", "--once", "--interval", "0.5")

    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line}
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert float(rows["/pow"][1].replace(",", "")) > 0
    assert rows["pow"][1] != "0.0"
    assert rows["Journal"][2] == "rows/s"
    assert rows["Journal"][1] != "0.0"


def test_top_sends_a_token_to_a_service_whose_metrics_require_a_scope(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_METRICS_SCOPE="metrics")
    token = run_local(server, "token", "prometheus", "--scope", "metrics").stdout.strip()

    assert_rejected(run_remote(server, "top", "--once"), "Error: HTTP 401", "mathops login")
    assert "Journal" in run_remote(server, "top", "--once", "--interval", "0.1", token=token).stdout


def test_a_backup_of_a_running_service_has_all_acknowledged_requests(server: Server, tmp_path: Path) -> None:
    headers = server.login("heidi")
    server.client.get("/fib?n=1", headers=headers)

    result = run_local(server, "db", "backup", str(tmp_path / "copy.db"))
    server.client.get("/fib?n=2", headers=headers)

    assert result.exit_code == 0, result.stderr
    restored = Server(tmp_path, {"MATHOPS_DATABASE_URL": f"sqlite:///{tmp_path / 'copy.db'}"})
    assert run_local(restored, "db", "check").exit_code == 0
    records = json.loads(run_local(restored, "history", "--json", "--user", "heidi").stdout)["records"]
    assert [record["parameters"] for record in records] == [{"n": "1"}]


def test_a_rotated_key_is_used_by_the_running_service(server: Server) -> None:
    kid = run_local(server, "keys", "rotate").stdout.strip()

    eventually(lambda: kid in server.client.get("/.well-known/jwks.json").text)


@pytest.mark.slow
def test_options_of_serve_override_variables(tmp_path: Path) -> None:
    port = free_port()
    server = Server(tmp_path, {"MATHOPS_HTTP_PORT": "1", "MATHOPS_HTTP_HOST": "192.0.2.1"}, port)
    try:
        server.start("--host", "127.0.0.1", "--port", str(port), "--workers", "2")

        eventually(lambda: len(server.web_workers) == 2)
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.slow
def test_serve_with_reload_answers_requests_and_stops(tmp_path: Path) -> None:
    server = Server(tmp_path, {})
    try:
        server.start("--reload")

        assert server.client.get("/fib?n=10", headers=server.login()).json()["result"] == "55"
        assert server.stop() in (0, -signal.SIGTERM)
    finally:
        server.kill()


def test_reload_with_several_workers_is_a_usage_error(idle: Server) -> None:
    result = run_local(idle, "serve", "--reload", "--workers", "2")

    assert result.exit_code == 2
    assert "--reload runs one worker" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("option", [(), ("--reload",)])
def test_a_port_in_use_is_reported_in_one_line(server: Server, option: tuple[str, ...]) -> None:
    assert_fails(
        server.run("serve", *option), f"port {server.port}", "Address already in use", "change MATHOPS_HTTP_PORT"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"MATHOPS_WORKRS": "2"}, "did you mean MATHOPS_WORKERS?"),
        ({"MATHOPS_HTTP_HOST": "no such host"}, "cannot listen on no such host"),
        ({"MATHOPS_DATABASE_URL": "nonsense"}, "MATHOPS_DATABASE_URL is not a database URL"),
        ({"MATHOPS_USERS_FILE": "/nowhere/users"}, "/nowhere/users cannot be read"),
        ({"MATHOPS_KAFKA_USERNAME": "mathops"}, "MATHOPS_KAFKA_PASSWORD need MATHOPS_KAFKA_SECURITY with SASL"),
        (
            {"MATHOPS_KAFKA_SECURITY": "ssl", "MATHOPS_KAFKA_CA_FILE": "/nowhere/ca.pem"},
            "MATHOPS_KAFKA_CA_FILE: cannot read certificates from /nowhere/ca.pem",
        ),
        ({"MATHOPS_REDIS_URL": "rediss://redis/0?ssl_ca_certs=/nowhere/ca.pem"}, "MATHOPS_REDIS_URL: "),
        ({**TRACED, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc"}, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "),
        ({**TRACED, "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "none"}, "the OTEL_* variables are invalid"),
        ({"MATHOPS_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere/requests.log cannot be written"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line(idle: Server, variables: dict[str, str], text: str) -> None:
    assert_fails(idle.run("serve", **variables), text)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text"), [("mathops.db", "mathops.db cannot be used"), ("keys.json", "is invalid")])
def test_a_corrupt_file_is_reported_in_one_line(idle: Server, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"nonsense " * 1000)

    assert_fails(idle.run("serve"), name, text)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="drops a capability by prctl")
@pytest.mark.parametrize("locked", ["mathops.db", "mathops.db.lock"])
def test_a_read_only_database_is_reported_in_one_line(idle: Server, tmp_path: Path, locked: str) -> None:
    assert run_local(idle, "db", "upgrade").exit_code == 0
    (tmp_path / "data" / locked).chmod(0o444)

    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_DAC_OVERRIDE, "serve"],
        env=idle.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert_fails(result, "mathops.db cannot be used")
