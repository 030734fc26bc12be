"""The recipe of CONTRIBUTING.md adds a working operation."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, eventually, running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with the operation of the recipe: one file and one line."""
    folder = tmp_path_factory.mktemp("recipe")
    shutil.copytree(ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("__pycache__"))
    operations = folder / "service" / "mathops" / "operations"
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    (operations / "primes.py").write_text(code)
    registry = operations / "__init__.py"
    registry.write_text(registry.read_text().replace('    "factorial",\n', '    "factorial",\n    "primes",\n'))
    with running(folder, PYTHONPATH=str(folder / "service"), MATHOPS_COMPUTE_DEADLINE_SECONDS="1") as server:
        yield server


def test_the_new_operation_is_served_documented_and_recorded(extended: Server) -> None:
    answer = extended.client.get("/prime-count?n=100", headers=extended.login())

    assert answer.json() == {"operation": "primes", "parameters": {"n": "100"}, "result": "25", "digits": 2}
    assert {"/primes", "/prime-count"} <= set(extended.client.get("/openapi.json").json()["paths"])
    assert extended.rows("operation, result", "operation = 'primes' AND result = '25'") == [("primes", "25")]
    assert extended.run("primes", "100").stdout == "25\n"


def test_a_costly_operation_ends_at_the_deadline_while_the_worker_answers(extended: Server) -> None:
    token = extended.login()
    pauses: list[float] = []
    statuses: list[int] = []
    caller = threading.Thread(
        target=lambda: statuses.append(extended.client.get("/primes?n=1000000000", headers=token).status_code)
    )

    caller.start()
    while caller.is_alive():
        began = time.monotonic()
        assert extended.client.get("/livez").status_code == 200
        pauses.append(time.monotonic() - began)
    caller.join()

    assert statuses == [504]
    # A computation in the web worker would take minutes and leave room for one answer.
    assert len(pauses) > 10
    eventually(lambda: extended.client.get("/primes?n=10", headers=token).status_code == 200)
