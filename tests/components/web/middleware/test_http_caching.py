"""Entity tags, freshness, and responses without computation."""

import pytest

from tests.components.web.responses import assert_problem
from tests.conftest import World

TARGET = "/pow?base=2&exp=5"


@pytest.fixture
def etag(world: World) -> str:
    """The tag of TARGET; clears the record and the counts of that request."""
    tag = world.get(TARGET).headers["etag"]
    world.cache.entries.clear()
    world.compute.computed = 0
    world.journal.records.clear()
    return tag


def test_a_result_has_a_private_freshness_lifetime(world: World) -> None:
    headers = world.get(TARGET).headers

    assert headers["etag"].startswith('"')
    assert headers["cache-control"] == "private, max-age=86400"
    assert headers["vary"] == "accept"


@pytest.mark.parametrize("listed", ["{}", "W/{}", '"other", {}', '"other" ,W/{} ,"third"', "*"])
def test_a_matching_condition_gets_304_without_computation(world: World, etag: str, listed: str) -> None:
    response = world.get(TARGET, If_None_Match=listed.format(etag))

    assert (response.status_code, response.content) == (304, b"")
    assert world.cache.entries == {}
    assert world.compute.computed == 0


@pytest.mark.parametrize("suffix", ["-gzip", "--gzip", ";gzip", "-br", "-zstd"])
def test_a_tag_with_the_coding_of_a_proxy_matches(world: World, etag: str, suffix: str) -> None:
    sent = f'"{etag[1:-1]}{suffix}"'

    assert world.get(TARGET, If_None_Match=f"W/{sent}").status_code == 304
    assert world.get(TARGET, If_None_Match=f'"other", {sent}').status_code == 304
    assert world.get(TARGET, If_None_Match=f'"other{suffix}"').status_code == 200


@pytest.mark.parametrize("listed", ["{}", '"other", {}', "*", " * "])
def test_a_required_tag_gets_the_result(world: World, etag: str, listed: str) -> None:
    assert world.get(TARGET, If_Match=listed.format(etag)).status_code == 200


@pytest.mark.parametrize("listed", ['"other"', "W/{}", "", "{}x"])
def test_another_required_tag_fails_without_computation(world: World, etag: str, listed: str) -> None:
    response = world.get(TARGET, If_Match=listed.format(etag), If_None_Match=etag)

    assert_problem(response, 412, "precondition-failed")
    assert world.compute.computed == 0


def test_304_has_the_headers_of_the_result(world: World, etag: str) -> None:
    headers = world.get(TARGET, If_None_Match=etag).headers

    assert (headers["etag"], headers["vary"]) == (etag, "accept")
    assert headers["cache-control"] == "private, max-age=86400"
    assert "x-request-id" in headers
    assert "content-length" not in headers


def test_304_is_recorded_without_a_result(world: World, etag: str) -> None:
    world.get(TARGET, If_None_Match=etag)

    assert [(row.status, row.result, row.cache, row.problem) for row in world.journal.records] == [
        (304, None, None, None)
    ]


def test_304_needs_a_token_and_valid_parameters_too(world: World, etag: str) -> None:
    assert world.client.get(TARGET, headers={"If-None-Match": etag}).status_code == 401
    assert world.get("/pow?base=2&exp=x", If_None_Match="*").status_code == 422


def test_a_condition_does_not_hide_a_too_large_result(world: World) -> None:
    assert_problem(world.get("/fact?n=99999999999", If_None_Match="*"), 422, "result-too-large")


def test_head_has_the_same_tag(world: World, etag: str) -> None:
    assert world.client.head(TARGET, headers=world.bearer()).headers["etag"] == etag
    assert world.client.head(TARGET, headers={**world.bearer(), "If-None-Match": etag}).status_code == 304


def test_order_and_long_names_lead_to_the_same_tag(world: World, etag: str) -> None:
    assert world.get("/power?exp=5&base=2").headers["etag"] == etag


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/fib?n=3", "/fact?n=3"),
        ("/pow?base=2&exp=3", "/pow?base=3&exp=2"),
        ("/pow?base=1&exp=11", "/pow?base=11&exp=1"),
        (f"/pow?base={'1' * 256}1&exp=1", f"/pow?base={'1' * 256}2&exp=1"),
    ],
)
def test_another_result_has_another_tag(world: World, one: str, other: str) -> None:
    assert world.get(one).headers["etag"] != world.get(other).headers["etag"]


def test_the_tag_names_the_representation(world: World, etag: str) -> None:
    response = world.get(TARGET, Accept="text/plain", If_None_Match=etag)

    assert response.text == "32"
    assert response.headers["etag"] != etag


def test_a_stale_tag_gets_the_result(world: World) -> None:
    assert world.get(TARGET, If_None_Match='"stale", "older"').json()["result"] == "32"


@pytest.mark.parametrize("tags", [("{}", '"other"'), ('"other"', "{}")])
def test_a_list_may_be_split_over_several_headers(world: World, etag: str, tags: tuple[str, str]) -> None:
    listed = [("If-None-Match", tag.format(etag)) for tag in tags]

    assert world.client.get(TARGET, headers=[*world.bearer().items(), *listed]).status_code == 304


def test_an_error_is_not_cacheable(world: World) -> None:
    headers = world.get("/pow?base=2").headers

    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers
