"""A real collector of traces, and what it shows."""

from typing import Any

import httpx2

from tests.integration.services.containers import JAEGER, Container

_COLLECT, _QUERY = 4318, 16686


def start() -> Container:
    """Jaeger, ready."""
    container = Container(JAEGER, [_COLLECT, _QUERY], environment={"JAEGER_LISTEN_HOST": "0.0.0.0"})
    return container.ready(lambda: _get(container, "services").is_success)


def endpoint(container: Container) -> str:
    """Where spans go."""
    return f"http://127.0.0.1:{container.port(_COLLECT)}"


def spans(container: Container, trace_id: str) -> dict[str, Any]:
    """The spans of a trace, by name; none while it is not known."""
    answer = _get(container, f"traces/{trace_id}")
    return {span["operationName"]: span for span in answer.json()["data"][0]["spans"]} if answer.is_success else {}


def _get(container: Container, path: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{container.port(_QUERY)}/api/{path}")
