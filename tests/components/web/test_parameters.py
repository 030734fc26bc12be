"""Valid and invalid parameters, by query and by body."""

import gzip
import json

import pytest
from httpx2 import Response

from tests.components.web.asgi import body, exchange, scope, status_of
from tests.components.web.responses import assert_problem
from tests.conftest import World


def post(world: World, content: bytes | str, path: str = "/fib", **headers: str) -> Response:
    headers = {**world.bearer(), "Content-Type": "application/json", **headers}
    return world.client.post(path, content=content, headers=headers)


BAD_TEXTS = [
    "",
    "+5",
    "%2B5",
    "-",
    "--5",
    "-0",
    "007",
    "1.5",
    "1e3",
    "1_000",
    "%205",
    "5%20",
    "5%0A",
    "%09",
    "0x10",
    "ten",
    "NaN",
    "Infinity",
    "%D9%A1%D9%A2",
    "%EF%BC%95",
    "5%00",
    "9" * 5000,
    "-" + "9" * 5000,
]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: text[:12] or "empty")
def test_a_text_that_is_not_a_plain_integer_is_rejected_and_recorded(world: World, text: str) -> None:
    document = assert_problem(world.get(f"/fib?n={text}"), 422, "invalid-parameter")

    assert document["errors"][0]["parameter"] == "n"
    assert [(row.status, row.problem) for row in world.journal.records] == [(422, "invalid-parameter")]


def test_all_errors_are_reported_at_once(world: World) -> None:
    document = assert_problem(world.get("/pow?base=x&exp=-1&n=3"), 422, "invalid-parameter")

    assert [error["parameter"] for error in document["errors"]] == ["base", "exp", "n"]
    assert all(error["detail"] in document["detail"] for error in document["errors"])


def test_a_missing_parameter_is_named(world: World) -> None:
    document = assert_problem(world.get("/pow?base=2"), 422, "invalid-parameter")

    assert document["errors"] == [{"parameter": "exp", "detail": "this parameter is missing"}]


@pytest.mark.parametrize("query", ["n=1&n=1", "n=1&n=2", "n=1&%6E=2"])
def test_a_repeated_parameter_is_rejected(world: World, query: str) -> None:
    document = assert_problem(world.get(f"/fib?{query}"), 422, "invalid-parameter")

    assert document["errors"] == [{"parameter": "n", "detail": "this parameter is repeated"}]


def test_the_name_of_an_unknown_parameter_is_cut_in_the_response(world: World) -> None:
    document = assert_problem(world.get(f"/fib?n=1&{'x' * 500}=1"), 422, "invalid-parameter")

    assert document["errors"][0]["parameter"] == "x" * 64


@pytest.mark.parametrize("query", ["n=%FF", "n=%ED%A0%80", "%FF=1"])
def test_a_query_that_is_not_utf8_is_malformed(world: World, query: str) -> None:
    assert_problem(world.get(f"/fib?{query}"), 400, "malformed-request")


async def _raw(world: World, query: bytes) -> int:
    request = {**scope("GET", "/fib", world.bearer()), "query_string": query}
    return status_of(await exchange(world.client.app, request, [body(b"")]))


@pytest.mark.anyio
async def test_a_text_of_ten_million_characters_is_rejected_before_it_is_recorded(world: World) -> None:
    assert await _raw(world, b"n=" + b"9" * 10_000_000) == 414

    assert world.journal.records == []


@pytest.mark.anyio
async def test_raw_non_ascii_bytes_in_a_query_are_malformed(world: World) -> None:
    assert await _raw(world, "n=١٢".encode()) == 400


@pytest.mark.parametrize("separator", ["&", "&%20"])
def test_a_query_of_thousands_of_parameters_is_malformed(world: World, separator: str) -> None:
    assert_problem(world.get("/fib?" + separator.join(f"{n}=1" for n in range(500))), 400, "malformed-request")


def test_an_escaped_digit_is_a_digit(world: World) -> None:
    assert world.get("/fib?n=%31%30").json()["parameters"] == {"n": "10"}


def test_a_long_parameter_is_complete_in_the_response_and_cut_in_the_record(world: World) -> None:
    base = "7" * 300

    response = world.get(f"/pow?base={base}&exp=1")

    assert response.json()["parameters"] == {"base": base, "exp": "1"}
    assert world.journal.records[0].parameters == {"base": "7" * 256, "exp": "1"}


def test_a_long_parameter_of_a_body_is_complete_in_the_response_and_cut_in_the_record(world: World) -> None:
    base = "7" * 4300

    response = post(world, json.dumps({"base": base, "exp": 1}), "/pow")

    assert response.json()["parameters"] == {"base": base, "exp": "1"}
    assert world.journal.records[0].parameters["base"] == "7" * 256


@pytest.mark.parametrize(
    "content", ['{"n": 10}', '{"n": "10"}', '{"n": 10.0}', '{"n": 1e1}', ' {"n" : "10"}\n', b'\xef\xbb\xbf{"n": 10}']
)
def test_a_body_takes_integers_and_strings(world: World, content: str | bytes) -> None:
    assert post(world, content).json()["result"] == "55"


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "false",
        "null",
        "1.5",
        "1e-3",
        "1e999999999",
        "1e99999999999999999999",
        "-1e5000",
        '""',
        '"x"',
        "[]",
        "[10]",
        "{}",
        '{"n": 10}',
        "-1",
    ],
)
def test_a_value_of_another_type_is_rejected_and_recorded(world: World, value: str) -> None:
    document = assert_problem(post(world, f'{{"n": {value}}}'), 422, "invalid-parameter")

    assert document["errors"][0]["parameter"] == "n"
    assert list(world.journal.records[0].parameters) == ["n"]


def test_errors_of_type_and_absence_are_reported_together(world: World) -> None:
    document = assert_problem(post(world, '{"base": true, "z": 1}', "/pow"), 422, "invalid-parameter")

    assert [error["parameter"] for error in document["errors"]] == ["base", "exp", "z"]


@pytest.mark.parametrize("value", ["9" * 5000, "-" + "9" * 5000, f'"{"9" * 5000}"'], ids=["integer", "minus", "string"])
def test_an_integer_longer_than_python_reads_is_an_invalid_parameter(world: World, value: str) -> None:
    document = assert_problem(post(world, f'{{"n": {value}}}'), 422, "invalid-parameter")

    assert "at most 4300 digits" in document["detail"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "nothing",
        '{"n": 1,}',
        "{'n': 1}",
        '{"n": 01}',
        '{"n": NaN}',
        '{"n": Infinity}',
        '{"n": -Infinity}',
        '{"n": 1} {"n": 2}',
        '{"n": 1, "n": 2}',
        '{"n": 1, "\\u006e": 2}',
        '{"z": {"a": 1, "a": 2}, "n": 1}',
        b'{"n": "\xff"}',
        "[]",
        "10",
        "null",
        '"n"',
        '[{"n": 1}]',
        "[" * 50_000,
        '{"n":' * 10_000,
    ],
    ids=lambda content: repr(content[:16]),
)
def test_a_body_that_is_no_json_object_is_malformed_and_recorded(world: World, content: str | bytes) -> None:
    assert_problem(post(world, content), 400, "malformed-request")

    assert [(row.status, row.problem) for row in world.journal.records] == [(400, "malformed-request")]


@pytest.mark.parametrize("depth", range(900, 1000, 7))
def test_any_depth_of_nesting_is_handled(world: World, depth: int) -> None:
    assert post(world, '{"n":' + "[" * depth + "]" * depth + "}").status_code in (400, 422)


@pytest.mark.parametrize("content", [r'{"n": "\ud800"}', r'{"n": 1, "\ud800": 1.5}', r'{"\udfff": 1}'])
def test_lone_surrogates_are_rejected_and_recorded_as_question_marks(world: World, content: str) -> None:
    assert_problem(post(world, content), 422, "invalid-parameter")

    assert "?" in str(world.journal.records[0].parameters)


def test_parameters_in_the_query_of_a_post_are_rejected(world: World) -> None:
    document = assert_problem(post(world, '{"n": 1}', "/fib?n=2"), 422, "invalid-parameter")

    assert document["errors"] == [{"parameter": "n", "detail": "send it in the JSON body, not in the query"}]


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_body_of_another_media_type_is_unsupported(world: World, media_type: str) -> None:
    document = assert_problem(post(world, '{"n": 1}', **{"Content-Type": media_type}), 415, "unsupported-media-type")

    assert "application/json" in document["detail"]
    assert world.journal.records[0].status == 415


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_parameters_and_case_of_the_media_type_do_not_matter(world: World, media_type: str) -> None:
    assert post(world, '{"n": 10}', **{"Content-Type": media_type}).status_code == 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_body_that_is_not_utf8_is_malformed(world: World, encoding: str) -> None:
    content = '{"n": "10", "é": 1}'.encode(encoding)

    assert_problem(post(world, content), 400, "malformed-request")


def test_a_byte_order_mark_is_ignored(world: World) -> None:
    assert post(world, '{"n": "10"}'.encode("utf-8-sig")).status_code == 200


@pytest.mark.parametrize("charset", ["utf-16", '"ISO-8859-1"', "utf-8-x"])
def test_a_declared_charset_other_than_utf8_is_unsupported(world: World, charset: str) -> None:
    headers = {"Content-Type": f"application/json; Charset={charset}"}

    document = assert_problem(post(world, '{"n": 1}', **headers), 415, "unsupported-media-type")

    assert document["detail"] == "send the body in UTF-8"


def test_a_compressed_body_is_unsupported(world: World) -> None:
    response = post(world, gzip.compress(b'{"n": 1}'), **{"Content-Encoding": "gzip"})

    document = assert_problem(response, 415, "unsupported-media-type")
    assert document["detail"] == "send the body without Content-Encoding"
    assert response.headers["accept-encoding"] == "identity"
    assert post(world, '{"n": 1}', **{"Content-Encoding": "identity"}).status_code == 200


def test_a_body_on_get_is_ignored(world: World) -> None:
    response = world.client.request("GET", "/fib?n=10", content=b'{"n": 11}', headers=world.bearer())

    assert response.json()["result"] == "55"


def test_a_body_of_many_members_is_rejected(world: World) -> None:
    document = assert_problem(post(world, json.dumps({f"x{n}": "1" for n in range(3000)})), 400, "malformed-request")

    assert "more than 32 members" in document["detail"]
    assert world.journal.records[-1].parameters == {}
