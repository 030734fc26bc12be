"""The command line beside, and against, a running server; faults of `serve` itself in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.support.commands import run_command
from tests.support.server import Server, eventually, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here, each of which is another user of it."""
    server = Server(tmp_path_factory.mktemp("server"), {})
    yield server.start()
    server.kill()


@pytest.fixture
def idle(tmp_path: Path) -> Server:
    """Settings for a server that has not been started."""
    return Server(tmp_path, {})


def here(server: Server, *arguments: str, stdin: str | None = None) -> Result:
    """A command with the settings of the service."""
    return run_command(server.environment, *arguments, stdin=stdin)


def there(server: Server, *arguments: str, token: str = "", stdin: str | None = None) -> Result:
    """A command that asks the service."""
    variables = {"MATHOPS_TOKEN": token} if token else {}
    return run_command(variables, *arguments, "--url", f"http://127.0.0.1:{server.port}", stdin=stdin)


def token_of(server: Server, user: str = "alice") -> str:
    return here(server, "token", user).stdout.strip()


def assert_one_line(code: int, stdout: str, stderr: str, *texts: str) -> None:
    """The command failed, and said why in one line without a stack trace."""
    assert code == 1, stderr
    assert stdout == ""
    assert stderr.count("\n") == 1, stderr
    assert all(text in stderr for text in texts), stderr


def assert_refused(result: Result, *texts: str) -> None:
    assert_one_line(result.exit_code, result.stdout, result.stderr, *texts)


def assert_fails(result: subprocess.CompletedProcess[str], *texts: str) -> None:
    assert_one_line(result.returncode, result.stdout, result.stderr, *texts)


def test_a_token_made_here_opens_the_service_and_the_call_is_recorded(server: Server) -> None:
    result = there(server, "pow", "-2", "5", token=token_of(server, "carol"))

    assert (result.exit_code, result.stdout, result.stderr) == (0, "-32\n", "")
    assert server.rows("operation, result, status", "user = 'carol'") == [("pow", "-32", 200)]


def test_here_and_at_the_service_json_is_the_same(server: Server) -> None:
    answer = there(server, "fact", "1000", "--json", token=token_of(server)).stdout

    assert answer == here(server, "fact", "1000", "--json").stdout
    assert json.loads(answer)["digits"] == 2568


def test_a_long_result_comes_over_the_wire_whole(server: Server) -> None:
    answer = there(server, "fib", "1000000", token=token_of(server)).stdout

    assert answer == here(server, "fib", "1000000").stdout
    assert len(answer) == 208_988 + 1


def test_what_the_service_refuses_is_one_line_with_its_reason(server: Server) -> None:
    assert_refused(there(server, "pow", "2", "5"), "Error: HTTP 401", "mathops token USER")
    assert_refused(there(server, "pow", "2", "5", token="x.y.z"), "Error: HTTP 401", "malformed")
    refused = there(server, "fact", "99999999", token=token_of(server))
    assert_refused(refused, "Error: HTTP 422", "limit is 6000000", "(request ")


def test_a_login_gives_a_token_of_the_service(server: Server) -> None:
    token = there(server, "token", "dave").stdout.strip()

    assert there(server, "fib", "7", token=token).stdout == "13\n"
    assert server.rows("result", "user = 'dave'") == [("13",)]


def test_a_login_with_a_password_reads_it_from_a_pipe(
    start_server: Callable[..., Server], idle: Server, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(here(idle, "users", "hash", "bob", stdin="s3cret\n").stdout)
    server = start_server(MATHOPS_USERS_FILE=str(users))

    assert there(server, "token", "bob", "--password", stdin="s3cret\n").exit_code == 0
    assert_refused(there(server, "token", "bob", "--password", stdin="wrong\n"), "HTTP 401", "password is wrong")
    assert_refused(there(server, "token", "bob"), "HTTP 422", "password")


def test_history_is_read_here_for_all_and_at_the_service_for_one(server: Server) -> None:
    for user in ("erin", "frank", "erin"):
        there(server, "fib", "10", token=token_of(server, user))

    everyone = json.loads(here(server, "history", "--json", "--limit", "3").stdout)["records"]
    own = json.loads(there(server, "history", "--json", token=token_of(server, "erin")).stdout)["records"]

    assert [record["user"] for record in everyone] == ["erin", "frank", "erin"]
    assert own == [record for record in everyone if record["user"] == "erin"]


def test_history_of_a_service_follows_its_pages(server: Server) -> None:
    headers = server.login("grace")
    for n in range(205):
        server.client.get(f"/fib?n={n}", headers=headers)

    answer = there(server, "history", "--json", "--limit", "203", token=token_of(server, "grace")).stdout

    numbers = [record["parameters"]["n"] for record in json.loads(answer)["records"]]
    assert numbers == [str(n) for n in range(204, 1, -1)]


def test_a_backup_while_the_service_runs_has_what_was_acknowledged(server: Server, tmp_path: Path) -> None:
    headers = server.login("heidi")
    server.client.get("/fib?n=1", headers=headers)

    result = here(server, "db", "backup", str(tmp_path / "copy.db"))
    server.client.get("/fib?n=2", headers=headers)

    assert result.exit_code == 0, result.stderr
    restored = Server(tmp_path, {"MATHOPS_DATABASE_URL": f"sqlite:///{tmp_path / 'copy.db'}"})
    assert here(restored, "db", "check").exit_code == 0
    records = json.loads(here(restored, "history", "--json", "--user", "heidi").stdout)["records"]
    assert [record["parameters"] for record in records] == [{"n": "1"}]


def test_a_rotated_key_is_used_by_the_running_service(server: Server) -> None:
    kid = here(server, "keys", "rotate").stdout.strip()

    eventually(lambda: kid in server.client.get("/.well-known/jwks.json").text)


def test_options_of_serve_win_over_variables(tmp_path: Path) -> None:
    port = free_port()
    server = Server(tmp_path, {"MATHOPS_HTTP_PORT": "1", "MATHOPS_HTTP_HOST": "192.0.2.1"}, port)
    try:
        server.start("--host", "127.0.0.1", "--port", str(port), "--workers", "2")

        eventually(lambda: len(server.processes("mathops.journal.process")) == 2)
        assert server.stop() == 0
    finally:
        server.kill()


def test_reload_serves_and_ends_like_the_rest(tmp_path: Path) -> None:
    server = Server(tmp_path, {})
    try:
        server.start("--reload")

        assert server.client.get("/fib?n=10", headers=server.login()).json()["result"] == "55"
        assert server.stop() in (0, -signal.SIGTERM)
    finally:
        server.kill()


def test_reload_with_several_workers_is_not_understood(idle: Server) -> None:
    result = here(idle, "serve", "--reload", "--workers", "2")

    assert result.exit_code == 2
    assert "--reload runs one worker" in result.stderr


@pytest.mark.parametrize("option", [(), ("--reload",)])
def test_a_taken_port_is_one_line(server: Server, option: tuple[str, ...]) -> None:
    assert_fails(server.run("serve", *option), f"port {server.port}", "Address already in use", "set MATHOPS_HTTP_PORT")


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
        ({"MATHOPS_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere/requests.log cannot be written"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(idle: Server, variables: dict[str, str], text: str) -> None:
    assert_fails(idle.run("serve", **variables), text)


@pytest.mark.parametrize("name", ["mathops.db", "keys.json"])
def test_a_file_of_nonsense_is_one_line(idle: Server, tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"nonsense " * 1000)

    assert_fails(idle.run("serve"), f"{name} cannot be used")


# Root writes where it may not, unless it first gives that up for itself and its children.
_AS_A_USER = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "mathops", *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="gives up root's rights by prctl")
@pytest.mark.parametrize("locked", ["mathops.db", "mathops.db.lock"])
def test_a_read_only_database_is_one_line(idle: Server, tmp_path: Path, locked: str) -> None:
    assert here(idle, "db", "upgrade").exit_code == 0
    (tmp_path / "data" / locked).chmod(0o444)

    result = subprocess.run(
        [sys.executable, "-c", _AS_A_USER, "serve"],
        env=idle.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert_fails(result, "mathops.db cannot be used")
