"""Properties of every problem response."""

from typing import Any

from httpx2 import Response

from mathops.errors import problem_types


def assert_problem(response: Response, status: int, problem: str, *, prefix: str = "") -> dict[str, Any]:
    """The problem document of a response, which must have that status and type."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["type"] == f"{prefix}/problems/{problem}"
    assert document["title"] == problem_types()[problem].title
    assert document["status"] == status
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return document
