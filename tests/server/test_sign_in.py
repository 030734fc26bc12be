"""Sign-in with several web workers, which share no memory."""

from collections.abc import Callable
from pathlib import Path

from tests.support.server import Server
from tests.support.sign_in_issuer import SignInIssuer, issuers_file


def test_any_web_worker_continues_what_another_one_started(start_server: Callable[..., Server], tmp_path: Path) -> None:
    with SignInIssuer().running() as issuer:
        server = start_server(MATHOPS_ISSUERS_FILE=issuers_file(tmp_path, issuer.entry()), MATHOPS_WORKERS="2")
        # The web workers share new connections.
        server.client.headers |= {"Connection": "close", "Sec-Fetch-Site": "same-origin"}
        for _ in range(8):
            started = server.client.get("/sign-in/test")
            finished = server.client.get(issuer.respond(started.headers["location"]))
            assert finished.headers["location"] == str(server.client.base_url) + "/"
            assert server.client.get("/fib?n=10").json()["result"] == "55"
            assert server.client.post("/sign-out").status_code == 200
        assert server.metric('mathops_sign_ins_total{outcome="ok"}') == 8
    assert server.rows("DISTINCT user") == [(f"{issuer.url}#alice",)]
