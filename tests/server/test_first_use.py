"""What README's first screen promises."""

from tests.process import Server


def test_the_two_calls_of_the_readme_give_a_result_and_a_committed_row(server: Server) -> None:
    login = server.client.post("/login", content='{"user":"alice"}', headers={"Content-Type": "application/json"})
    token = login.json()["token"]

    answer = server.client.get("/pow?base=2&exp=5", headers={"Authorization": f"Bearer {token}"})

    assert answer.json() == {"operation": "pow", "parameters": {"base": "2", "exp": "5"}, "result": "32", "digits": 2}
    assert server.rows("user, operation, result, status") == [("alice", "pow", "32", 200)]


def test_it_stops_with_exit_code_0_when_asked(server: Server) -> None:
    assert server.stop() == 0
