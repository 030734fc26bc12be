"""The connection limit of a web worker."""

from collections.abc import Callable

import httpx2

from tests.components.web.responses import assert_problem
from tests.support.server import Server, eventually


def test_a_connection_beyond_the_limit_is_rejected_except_for_probes(start_server: Callable[..., Server]) -> None:
    # The server's own client holds one connection already.
    server = start_server(MATHOPS_CONNECTIONS="2")
    url = f"http://127.0.0.1:{server.port}"
    with httpx2.Client(base_url=url) as second, httpx2.Client(base_url=url) as third:
        assert second.get("/docs").status_code == 200

        answer = third.get("/docs")

        assert_problem(answer, 503, "overloaded")
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
        assert third.get("/readyz").status_code == 200
        assert second.get("/docs").status_code == 200
        assert server.metric('http_requests_total{method="GET",route="/docs",status="503"}') == 1

        second.close()
        third.close()
    with httpx2.Client(base_url=url) as later:
        eventually(lambda: later.get("/docs").status_code == 200)
