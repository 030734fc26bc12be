"""GET /history: the caller's records, newest first, in pages."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from mathops.schemas import event_schema
from tests.components.web.responses import assert_problem
from tests.conftest import World


@pytest.fixture
def busy(world: World) -> World:
    """Five requests of alice, interleaved with requests of others."""
    for n in range(5):
        world.get(f"/fib?n={n}")
        world.client.get(f"/fact?n={n}", headers=world.bearer("bob"))
    return world


def ns(document: dict[str, Any]) -> list[str]:
    return [record["parameters"]["n"] for record in document["records"]]


def test_only_own_records_are_given_newest_first(busy: World) -> None:
    document = busy.get("/history").json()

    assert ns(document) == ["4", "3", "2", "1", "0"]
    assert {record["user"] for record in document["records"]} == {"alice"}
    assert document["next"] is None


def test_records_match_their_schema(busy: World) -> None:
    busy.get("/pow?base=x")
    busy.client.get("/pow?base=2&exp=2")
    validator = Draft202012Validator(event_schema())

    records = busy.get("/history").json()["records"]

    assert len(records) == 6
    for record in records:
        validator.validate(record)
    assert records[0] == msgspec.to_builtins(busy.journal.records[-2])


def test_pages_follow_one_another_to_the_end(busy: World) -> None:
    pages, target = [], "/history?limit=2"
    while target:
        response = busy.get(target)
        pages.append(ns(response.json()))
        target = response.json()["next"]
        links = {link["rel"]: link["url"] for link in response.links.values()}
        assert links.get("next") == target
        assert links["prev"] == response.json()["newer"]

    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_new_records_do_not_shift_pages(busy: World) -> None:
    following = busy.get("/history?limit=2").json()["next"]
    busy.get("/fib?n=99")

    assert ns(busy.get(following).json()) == ["2", "1"]


def test_a_cursor_gives_access_to_the_callers_records_only(busy: World) -> None:
    following = busy.get("/history?limit=1").json()["next"]

    document = busy.client.get(following, headers=busy.bearer("carol")).json()

    assert (document["records"], document["next"]) == ([], None)


def test_history_is_not_cacheable(busy: World) -> None:
    assert busy.get("/history").headers["cache-control"] == "no-store"


def test_head_returns_the_headers(busy: World) -> None:
    response = busy.client.head("/history", headers=busy.bearer())

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=%C2%B2", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=5&limit=6", "limit"),
        ("before=x", "before"),
        ("before=", "before"),
        ("before=-1", "before"),
        ("before=" + "9" * 19, "before"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("operation=", "operation"),
        ("operation=POW", "operation"),
        ("operation=123", "operation"),
        ("operation=" + "a" * 65, "operation"),
        ("status=ok", "status"),
        ("status=199", "status"),
        ("status=600", "status"),
        ("outcome=200", "outcome"),
        ("outcome=ok%0A", "outcome"),
        ("since=2026-01-01", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("since=1767225600", "since"),
        ("since=2026-01-01T00:00:00+00:00", "since"),
        ("user=bob", "user"),
    ],
)
def test_an_invalid_parameter_is_named(world: World, query: str, parameter: str) -> None:
    document = assert_problem(world.get(f"/history?{query}"), 422, "invalid-parameter")

    assert [error["parameter"] for error in document["errors"]] == [parameter]


@pytest.mark.parametrize(
    "query", ["limit=1", "limit=200", "before=0", "before=" + "9" * 18, "after=0", "status=200", "status=599"]
)
def test_the_bounds_are_inclusive(world: World, query: str) -> None:
    document = world.get(f"/history?{query}").json()

    assert (document["records"], document["next"]) == ([], None)


def test_the_page_of_newer_records_is_empty_until_there_are_some(busy: World) -> None:
    newer = busy.get("/history").json()["newer"]
    unchanged = busy.get(newer).json()
    busy.get("/fib?n=5")
    busy.client.get("/fact?n=5", headers=busy.bearer("bob"))
    busy.get("/fib?n=6")

    document = busy.get(newer).json()

    assert unchanged == {"records": [], "next": None, "newer": newer}
    assert ns(document) == ["6", "5"]
    assert ns(busy.get(document["next"]).json()) == ["4", "3", "2", "1", "0"]


def test_filters_select_records_and_hold_for_the_linked_pages(busy: World) -> None:
    for n in ("x", "5", "y", "6", "z"):
        busy.get(f"/fib?n={n}")
        busy.get(f"/fact?n={n}")
    query = "operation=fib&outcome=invalid-parameter&status=422&since=2026-01-01T00:00:00%2B01:00"

    first = busy.get(f"/history?limit=2&{query}").json()
    second = busy.get(first["next"]).json()
    busy.get("/fib?n=v")
    busy.get("/fact?n=w")

    assert [ns(first), ns(second)] == [["z", "y"], ["x"]]
    assert ns(busy.get(first["newer"]).json()) == ["v"]
    assert ns(busy.get("/history?since=2999-01-01T00:00:00Z").json()) == []


def test_a_journal_that_cannot_be_read_is_reported(world: World) -> None:
    world.journal.error = "the disk is gone"

    response = world.get("/history")

    assert_problem(response, 503, "journal-unavailable")
    assert response.headers["retry-after"] == "1"
