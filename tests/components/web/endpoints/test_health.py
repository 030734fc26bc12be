"""Probes and metrics."""

import platform
import socket
from collections.abc import Callable

import pytest

from mathops import __version__
from mathops.errors import StartupError
from mathops.settings import load
from tests.components.web.responses import assert_problem
from tests.conftest import World


def test_probes_of_life_ignore_all_failures(world: World) -> None:
    world.journal.error = "the disk is full"
    world.resources.draining = True

    for path in ("/livez", "/startupz"):
        assert world.client.get(path).json() == {"status": "ok"}


def test_readiness_reports_each_check(world: World) -> None:
    world.resources.dependencies["cache"] = lambda: "ok"

    response = world.client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"journal": "ok", "cache": "ok"},
        "login": "demo: anyone may log in",
    }
    assert response.headers["cache-control"] == "no-store"


def test_a_failed_dependency_only_degrades(world: World) -> None:
    world.resources.dependencies["cache"] = lambda: "no response within 0.1 s"

    response = world.client.get("/readyz")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["cache"] == "no response within 0.1 s"


def test_without_its_journal_the_service_is_not_ready(world: World) -> None:
    world.journal.error = "the disk is full"

    response = world.client.get("/readyz")

    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    assert response.json()["checks"]["journal"] == "the disk is full"


def test_the_version_names_image_python_and_host(world: World) -> None:
    world.resources.settings = world.resources.settings.model_copy(
        update={"image_revision": "4f2c9d1", "image_created": "2026-11-29T12:00:00+00:00"}
    )

    response = world.client.get("/version")

    assert response.json() == {
        "version": __version__,
        "revision": "4f2c9d1",
        "created": "2026-11-29T12:00:00+00:00",
        "python": platform.python_version(),
        "instance": socket.gethostname(),
    }
    assert response.headers["cache-control"] == "no-store"


def test_a_draining_service_is_not_ready_and_closes_connections(world: World) -> None:
    world.resources.draining = True

    response = world.client.get("/readyz")

    assert (response.status_code, response.json()["status"]) == (503, "draining")
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics"])
def test_probes_support_head(world: World, path: str) -> None:
    response = world.client.head(path)

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("application/openmetrics-text; version=1.0.0, text/plain;q=0.5", "application/openmetrics-text"),
    ],
)
def test_metrics_have_the_requested_format(world: World, accept: str, media_type: str) -> None:
    response = world.client.get("/metrics", headers={"Accept": accept})

    assert response.headers["content-type"].startswith(media_type)
    assert response.text.rstrip().endswith("# EOF") == (media_type != "text/plain")
    assert "http_requests" in response.text


def test_metrics_require_a_token_with_the_scope_of_the_settings(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"requests": 1}, metrics_scope="metrics", quota_requests="1/minute")

    assert_problem(world.client.get("/metrics"), 401, "unauthorized")
    response = world.client.get("/metrics", headers=world.bearer(scopes=("math", "history")))
    assert_problem(response, 403, "insufficient-scope")
    assert 'scope="metrics"' in response.headers["www-authenticate"]
    prometheus = world.bearer("prometheus", ("metrics",))
    # Scrapes are not counted against a quota.
    responses = [world.client.get("/metrics", headers=prometheus) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert "mathops_build_info" in responses[0].text
    assert world.client.get("/livez").status_code == 200


def test_the_document_describes_the_scope_of_the_metrics(make_world: Callable[..., World]) -> None:
    described, default = (
        make_world(metrics_scope=scope).client.get("/openapi.json").json()["paths"]["/metrics"]["get"]
        for scope in ("metrics", "")
    )

    assert described["security"] == [{"bearer": ["metrics"]}]
    assert {"401", "403"} <= set(described["responses"])
    assert "security" not in default


def test_another_scope_for_the_metrics_stops_the_start() -> None:
    with pytest.raises(StartupError, match="MATHOPS_METRICS_SCOPE"):
        load({"MATHOPS_METRICS_SCOPE": "metric"})
