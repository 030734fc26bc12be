"""Loaded by Schemathesis, through schemathesis.toml: what our document promises beyond its schemas."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

PROBLEM = "application/problem+json"


@schemathesis.check
def valid_data_is_only_refused_for_the_size_of_its_result(
    ctx: CheckContext, response: Response, case: Case[Any]
) -> None:
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    # A refused HEAD has no body to tell its type.
    if valid and response.status_code == 422 and case.method != "HEAD":
        assert response.json()["type"] == "/problems/result-too-large", response.text


@schemathesis.check
def every_refusal_is_a_problem_that_names_the_request(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    if response.status_code >= 400 and not _from_the_parser(response):
        assert response.headers["content-type"] == [PROBLEM], response.headers
        if case.method != "HEAD":
            assert [response.json()["request_id"]] == response.headers["x-request-id"]


def _from_the_parser(response: Response) -> bool:
    """What the HTTP parser refuses, such as a target of over 64 KiB, never reaches the application."""
    return (
        response.status_code == 400
        and response.content in (b"Invalid HTTP request received.", b"")
        and ("x-request-id" not in response.headers)
    )
