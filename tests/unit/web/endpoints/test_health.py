"""Probes and metrics."""

import pytest

from tests.conftest import World


def test_a_process_that_answers_is_alive_whatever_is_wrong(world: World) -> None:
    world.journal.error = "the disk is full"
    world.resources.draining = True

    for path in ("/livez", "/startupz"):
        assert world.client.get(path).json() == {"status": "ok"}


def test_ready_says_how_each_part_is(world: World) -> None:
    world.resources.dependencies["cache"] = lambda: "ok"

    answer = world.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"journal": "ok", "cache": "ok"},
        "login": "demo: anyone may log in",
    }
    assert answer.headers["cache-control"] == "no-store"


def test_a_failed_dependency_only_degrades(world: World) -> None:
    world.resources.dependencies["cache"] = lambda: "no answer within 0.1 s"

    answer = world.client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["cache"] == "no answer within 0.1 s"


def test_without_its_journal_the_service_is_not_ready(world: World) -> None:
    world.journal.error = "the disk is full"

    answer = world.client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["checks"]["journal"] == "the disk is full"


def test_about_to_stop_it_is_not_ready_and_closes_connections(world: World) -> None:
    world.resources.draining = True

    answer = world.client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (503, "draining")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics"])
def test_probes_answer_head(world: World, path: str) -> None:
    answer = world.client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("application/openmetrics-text; version=1.0.0, text/plain;q=0.5", "application/openmetrics-text"),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for(world: World, accept: str, media_type: str) -> None:
    answer = world.client.get("/metrics", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith(media_type)
    assert answer.text.rstrip().endswith("# EOF") == (media_type != "text/plain")
    assert "http_requests" in answer.text
