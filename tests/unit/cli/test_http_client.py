"""Unreachable services and other HTTP servers. tests/server/test_cli.py uses a running service."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.server import free_port
from tests.unit.cli.conftest import Run


class OtherHandler(BaseHTTPRequestHandler):
    """Returns HTML for GET, JSON for POST, and status 500 for computations."""

    def do_GET(self) -> None:
        self.respond(200, b"<html>hello</html>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(500 if self.path == "/pow" else 200, b'{"hello": 1}')

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), OtherHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("url", ["ftp://localhost/", "http://[::1", "http://"])
def test_an_invalid_url_is_reported_in_one_line(run: Run, url: str) -> None:
    result = run("pow", "2", "5", "--url", url)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: request to {url} failed: ")
    assert result.stderr.count("\n") == 1


def test_an_unreachable_service_is_reported_in_one_line(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    result = run("history", "--url", url, "--token", "x")

    assert result.exit_code == 1
    assert result.stderr == f"Error: request to {url} failed: [Errno 111] Connection refused\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_url_without_scheme_is_http(run: Run, other: str, host: str) -> None:
    port = other.rpartition(":")[2]

    result = run("history", "--url", f"{host}:{port}")

    assert result.stderr.startswith(f"Error: http://{host}:{port} returned an unexpected response")


def test_the_url_variable_selects_the_service_and_an_empty_option_this_machine(run: Run, other: str) -> None:
    assert "HTTP 500" in run("pow", "2", "5", MATHOPS_URL=f" {other}\n").stderr
    assert run("pow", "2", "5", "--url", "", MATHOPS_URL=other).stdout == "32\n"
    assert run("pow", "2", "5", MATHOPS_URL="").stdout == "32\n"


@pytest.mark.parametrize("arguments", [("token", "alice", "--scope", "math"), ("history", "--user", "alice")])
def test_options_for_this_machine_are_rejected_with_the_url_variable(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, MATHOPS_URL="localhost")

    assert result.exit_code == 2
    assert "MATHOPS_URL" in result.stderr


def test_a_server_other_than_mathops_is_reported_in_one_line(run: Run, other: str) -> None:
    power = run("pow", "2", "5", "--url", other)
    history = run("history", "--url", other)
    token = run("token", "alice", "--url", other)
    top = run("top", "--once", "--url", other)

    assert (power.exit_code, history.exit_code, token.exit_code, top.exit_code) == (1, 1, 1, 1)
    assert power.stderr == "Error: HTTP 500 without a problem document; is it the address of mathops?\n"
    assert (
        history.stderr
        == token.stderr
        == top.stderr
        == f"Error: {other} returned an unexpected response; is it the address of mathops?\n"
    )


def test_a_token_with_invalid_characters_is_reported_in_one_line(run: Run, other: str) -> None:
    result = run("history", "--url", other, "--token", "tökén")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
