"""A service that is away, or is none. What a real one answers is in tests/server/test_cli.py."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.server import free_port
from tests.unit.cli.conftest import Run


class Stranger(BaseHTTPRequestHandler):
    """Answers 200 to all but computations; with HTML to GET, with JSON to POST."""

    def do_GET(self) -> None:
        self.answer(200, b"<html>hello</html>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500 if self.path == "/pow" else 200, b'{"hello": 1}')

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("url", ["nonsense", "ftp://localhost/", "http://[::1", "http://"])
def test_a_url_that_is_none_is_one_line(run: Run, url: str) -> None:
    result = run("pow", "2", "5", "--url", url)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {url} cannot be asked: ")
    assert result.stderr.count("\n") == 1


def test_a_service_that_is_away_is_one_line(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    result = run("history", "--url", url, "--token", "x")

    assert result.exit_code == 1
    assert result.stderr == f"Error: {url} cannot be asked: [Errno 111] Connection refused\n"


def test_another_service_at_the_address_is_one_line(run: Run, stranger: str) -> None:
    refused = run("pow", "2", "5", "--url", stranger)
    answered = run("history", "--url", stranger)
    greeted = run("token", "alice", "--url", stranger)

    assert (refused.exit_code, answered.exit_code, greeted.exit_code) == (1, 1, 1)
    assert refused.stderr.startswith("Error: HTTP 500, and no explanation that mathops would give")
    assert answered.stderr == greeted.stderr == f"Error: {stranger} answers, but not as mathops does\n"


def test_a_token_that_no_header_can_carry_is_one_line(run: Run, stranger: str) -> None:
    result = run("history", "--url", stranger, "--token", "tökén")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
