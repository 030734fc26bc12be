"""Parts of text results: status, headers, conditions, and the record."""

import pytest

from tests.components.web.responses import assert_problem
from tests.conftest import World

# 2^100 = 1267650600228229401496703205376.
TARGET, DIGITS = "/pow?base=2&exp=100", "1267650600228229401496703205376"
# Large enough for a content coding.
LARGE = "/pow?base=10&exp=20000"


def test_a_text_result_accepts_ranges(world: World) -> None:
    complete = world.get(TARGET, Accept="text/plain")
    head = world.client.head(TARGET, headers={**world.bearer(), "Accept": "text/plain", "Range": "bytes=0-1"})

    assert complete.headers["accept-ranges"] == head.headers["accept-ranges"] == "bytes"
    assert (head.status_code, head.headers["content-length"]) == (200, "31")


def test_a_range_gets_a_part_with_the_headers_of_the_whole(world: World) -> None:
    complete = world.get(TARGET, Accept="text/plain")
    part = world.get(TARGET, Accept="text/plain", Range="bytes=4-9")

    assert (part.status_code, part.text) == (206, DIGITS[4:10])
    assert part.headers["content-range"] == "bytes 4-9/31"
    assert part.headers["content-length"] == "6"
    for name in ("etag", "cache-control", "vary", "content-type", "accept-ranges"):
        assert part.headers[name] == complete.headers[name]


def test_the_record_of_a_part_has_the_whole_result(world: World) -> None:
    world.get(TARGET, Accept="text/plain", Range="bytes=-1")

    (record,) = world.journal.records
    assert (record.status, record.result, record.problem) == (206, DIGITS, None)


def test_a_range_beyond_the_result_gets_416_with_its_length(world: World) -> None:
    response = world.get(TARGET, Accept="text/plain", Range="bytes=31-")

    assert_problem(response, 416, "range-not-satisfiable")
    assert response.headers["content-range"] == "bytes */31"
    (record,) = world.journal.records
    assert (record.status, record.result) == (416, None)


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "bytes=9-4", "lines=0-1"])
def test_an_unsupported_range_gets_the_whole_result(world: World, header: str) -> None:
    response = world.get(TARGET, Accept="text/plain", Range=header)

    assert (response.status_code, response.text) == (200, DIGITS)
    assert "content-range" not in response.headers


def test_json_and_post_have_no_ranges(world: World) -> None:
    json = world.get(TARGET, Range="bytes=0-1")
    headers = {**world.bearer(), "Accept": "text/plain", "Range": "bytes=0-1"}
    post = world.client.post("/pow", json={"base": 2, "exp": 100}, headers=headers)

    assert (json.status_code, json.json()["result"]) == (200, DIGITS)
    assert (post.status_code, post.text) == (200, DIGITS)
    assert "accept-ranges" not in {**json.headers, **post.headers}


def test_a_range_selects_from_the_digits_without_a_coding(world: World) -> None:
    coded = world.get(LARGE, Accept="text/plain", Accept_Encoding="gzip")
    part = world.get(LARGE, Accept="text/plain", Accept_Encoding="gzip", Range="bytes=0-9")

    assert coded.headers["content-encoding"] == "gzip"
    assert "accept-ranges" not in coded.headers
    assert (part.status_code, part.text) == (206, "1000000000")
    assert "content-encoding" not in part.headers
    assert part.headers["etag"] != coded.headers["etag"]


def test_if_range_with_the_tag_gets_the_part(world: World) -> None:
    tag = world.get(TARGET, Accept="text/plain").headers["etag"]

    assert world.get(TARGET, Accept="text/plain", Range="bytes=0-1", If_Range=tag).status_code == 206


@pytest.mark.parametrize("tag", ['"other"', "W/{}", "Mon, 01 Jan 2024 00:00:00 GMT", "*", ""])
def test_if_range_with_another_validator_gets_the_whole_result(world: World, tag: str) -> None:
    etag = world.get(TARGET, Accept="text/plain").headers["etag"]
    response = world.get(TARGET, Accept="text/plain", Range="bytes=0-1", If_Range=tag.format(etag))

    assert (response.status_code, response.text) == (200, DIGITS)


def test_other_conditions_precede_the_range(world: World) -> None:
    tag = world.get(TARGET, Accept="text/plain").headers["etag"]

    assert world.get(TARGET, Accept="text/plain", Range="bytes=0-1", If_None_Match=tag).status_code == 304
    assert world.get(TARGET, Accept="text/plain", Range="bytes=99-", If_None_Match=tag).status_code == 304
    assert world.get(TARGET, Accept="text/plain", Range="bytes=0-1", If_Match='"other"').status_code == 412
