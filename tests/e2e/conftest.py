"""One namespace per module; its state is part of the report of a failed test."""

import os
import subprocess
from collections.abc import Generator, Iterator

import pytest

from tests.e2e.cluster import Namespace


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    namespace = getattr(item, "funcargs", {}).get("namespace")
    if report.failed and namespace is not None:
        report.sections.append((f"state of namespace {namespace.name}", namespace.state()))
    return report


@pytest.fixture(scope="session", autouse=True)
def image() -> None:
    """Load the image into the cluster."""
    name = os.environ.get("KIND_CLUSTER_NAME", "mathops")
    command = ["kind", "load", "docker-image", os.environ.get("IMAGE", "mathops:dev"), "--name", name]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def namespace(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    created = Namespace(f"e2e-{request.module.__name__.rsplit('_', 1)[-1]}")
    yield created
    if not os.environ.get("KEEP_NAMESPACES"):
        created.remove()
