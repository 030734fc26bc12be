"""What README's first screen promises."""

import shlex
from argparse import ArgumentParser
from pathlib import Path

from httpx2 import Response

from tests.support.server import Server

README = Path(__file__).parents[2] / "README.md"
LOGIN = (
    'curl -X POST http://localhost:5000/login -H "Content-Type: application/json" '
    """-d '{"user":"alice"}'"""
)
POWER = 'curl "http://localhost:5000/pow?base=2&exp=5" -H "Authorization: Bearer <token>"'


def first_screen() -> list[str]:
    """The lines above the first section, without blank ones and comments."""
    lines = [line.partition("  #")[0].rstrip() for line in README.read_text().partition("\n## ")[0].splitlines()]
    return [line for line in lines if line and not line.startswith("```")]


def curl(server: Server, command: str) -> Response:
    """Do what a curl command would, on the server's own port."""
    parser = ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-X", default="GET")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    sent = parser.parse_args(shlex.split(command)[1:])
    headers = dict(field.split(": ", 1) for field in sent.H)
    path = sent.url.removeprefix("http://localhost:5000")
    return server.client.request(sent.X, path, headers=headers, content=sent.d)


def test_the_first_screen_is_one_sentence_two_targets_and_two_calls() -> None:
    title, sentence, *commands = first_screen()

    assert title == "# mathops"
    assert sentence.count(".") == 1
    assert commands == ["make run", "make test", LOGIN, POWER]


def test_the_two_calls_of_the_readme_give_a_result_and_a_committed_row(server: Server) -> None:
    login, power = (line for line in first_screen() if line.startswith("curl "))
    token = curl(server, login).json()["token"]

    answer = curl(server, power.replace("<token>", token))

    assert answer.json() == {"operation": "pow", "parameters": {"base": "2", "exp": "5"}, "result": "32", "digits": 2}
    assert server.rows("user, operation, result, status") == [("alice", "pow", "32", 200)]


def test_it_stops_with_exit_code_0_when_asked(server: Server) -> None:
    assert server.stop() == 0
