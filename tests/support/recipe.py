"""The service with the operation that CONTRIBUTING.md adds."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import Server, running

ROOT = Path(__file__).parents[2]


@contextmanager
def extended_server(folder: Path) -> Iterator[Server]:
    """One file and one line more; the deadline is 1 s."""
    shutil.copytree(ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("__pycache__"))
    operations = folder / "service" / "mathops" / "operations"
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    (operations / "primes.py").write_text(code)
    registry = operations / "__init__.py"
    registry.write_text(registry.read_text().replace('    "factorial",\n', '    "factorial",\n    "primes",\n'))
    with running(folder, PYTHONPATH=str(folder / "service"), MATHOPS_COMPUTE_DEADLINE_SECONDS="1") as server:
        yield server
