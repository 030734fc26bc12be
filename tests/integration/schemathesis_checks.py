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
    if response.status_code >= 400 and not is_client_error(response, case):
        assert response.headers["content-type"] == [PROBLEM], response.headers
        if case.method != "HEAD":
            assert [response.json()["request_id"]] == response.headers["x-request-id"]


def is_client_error(response: Response, case: Case[Any]) -> bool:
    """Whether the response is an error of RFC 6749 on a path for OAuth clients."""
    form = "application/x-www-form-urlencoded" in case.operation.get_request_payload_content_types()
    return form and response.headers["content-type"] == ["application/json"] and "error" in response.json()
