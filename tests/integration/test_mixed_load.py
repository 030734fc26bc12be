"""Small requests while all pool workers are busy."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import lgamma, log

import httpx2
import pytest

from tests.support.server import Server, eventually


def largest_factorial(digits: int) -> int:
    """Nearly the largest n whose factorial has at most `digits` digits."""
    low, high = 1, digits
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if lgamma(middle + 1) / log(10) < digits - 10 else (low, middle - 1)
    return low


@pytest.mark.timeout(180)
def test_small_requests_succeed_while_the_largest_results_are_computed(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="120", MATHOPS_COMPUTE_QUEUE="10")
    headers = server.login()
    number = largest_factorial(6_000_000)

    def large(offset: int) -> int:
        with httpx2.Client(base_url=server.client.base_url, timeout=120) as client:
            response = client.get(f"/fact?n={number - offset}", headers={**headers, "Accept": "text/plain"})
            assert response.status_code == 200
            return len(response.content)

    with ThreadPoolExecutor(10) as clients:
        lengths = [clients.submit(large, offset) for offset in range(10)]
        eventually(lambda: server.metric("mathops_pool_queued_computations") > 0)
        small = 0
        while not all(length.done() for length in lengths):
            assert server.client.get(f"/pow?base={small}&exp=5", headers=headers).status_code == 200
            small += 1

    assert small > 10
    assert all(5_999_000 < length.result() <= 6_000_000 for length in lengths)
    assert len(server.rows("id", "operation = 'fact' AND status = 200")) == 10
