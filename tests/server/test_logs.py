"""What a real server says on stderr."""

import json
from collections.abc import Callable

from tests.support.server import Server, eventually

DEMO = "login accepts any user name without a password; set MATHOPS_USERS_FILE to require passwords"


def lines(server: Server) -> list[dict[str, str]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def test_every_line_is_json_whoever_wrote_it(server: Server) -> None:
    server.client.get("/pow?base=2&exp=5", headers=server.login())
    server.client.get("/nowhere")
    assert server.stop() == 0

    written = lines(server)

    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in written)
    assert {line["logger"].partition(".")[0] for line in written} == {"gunicorn", "uvicorn", "mathops"}
    assert not any("/pow" in line["event"] or "/nowhere" in line["event"] for line in written)


def test_the_demo_login_is_warned_of_once_however_many_workers(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_WORKERS="2")
    eventually(lambda: server.log.read_text().count("Application startup complete") == 2)

    assert [line["level"] for line in lines(server) if line["event"] == DEMO] == ["warning"]


def test_a_level_of_warning_leaves_little(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_LOG_LEVEL="warning")
    assert server.stop() == 0

    assert [line["event"] for line in lines(server)] == [DEMO]


def test_text_is_written_where_it_is_asked_for(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_LOG_FORMAT="text")

    assert "{" not in server.log.read_text().splitlines()[0]
