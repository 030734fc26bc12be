"""Checks beyond the schemas, loaded by Schemathesis through schemathesis.toml."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

PROBLEM = "application/problem+json"


@schemathesis.check
def valid_data_is_rejected_only_for_the_size_of_its_result(
    ctx: CheckContext, response: Response, case: Case[Any]
) -> None:
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    # The response to HEAD has no body that names the type.
    if valid and response.status_code == 422 and case.method != "HEAD":
        assert response.json()["type"] == "/problems/result-too-large", response.text


@schemathesis.check
def every_error_is_a_problem_document_with_the_request_id(
    ctx: CheckContext, response: Response, case: Case[Any]
) -> None:
    if response.status_code >= 400:
        assert response.headers["content-type"] == [PROBLEM], response.headers
        if case.method != "HEAD":
            assert [response.json()["request_id"]] == response.headers["x-request-id"]
