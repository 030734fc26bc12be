"""The log that a server writes to standard error."""

import json
from collections.abc import Callable

from tests.support.server import Server

DEMO = "login accepts any user name without a password; set MATHOPS_USERS_FILE to require passwords"


def lines(server: Server) -> list[dict[str, str]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def test_every_line_is_json_from_all_libraries(server: Server) -> None:
    server.client.get("/pow?base=2&exp=5", headers=server.login())
    server.client.get("/nowhere")
    assert server.stop() == 0

    written = lines(server)

    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in written)
    assert {line["logger"].partition(".")[0] for line in written} == {"gunicorn", "uvicorn", "mathops"}
    assert not any("/pow" in line["event"] or "/nowhere" in line["event"] for line in written)


def test_the_level_warning_hides_all_but_warnings(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_LOG_LEVEL="warning")
    assert server.stop() == 0

    assert [line["event"] for line in lines(server)] == [DEMO]


def test_the_format_is_text_on_request(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_LOG_FORMAT="text")

    assert "{" not in server.log.read_text().splitlines()[0]
