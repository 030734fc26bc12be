"""The document as a whole."""

from collections.abc import Sequence

from mathops import __version__
from mathops.operations import Operation
from mathops.web.openapi.operations import operation_path
from mathops.web.openapi.schemas import Json, problem_schema, record_schema
from mathops.web.openapi.service import history_path, login_path, logout_path, service_paths


def document(operations: Sequence[Operation]) -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mathops",
            "version": __version__,
            "description": "Exact power, Fibonacci and factorial; every request is kept.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            **{path: operation_path(operation, path) for operation in operations for path in operation.paths},
            "/login": login_path(),
            "/logout": logout_path(),
            "/history": history_path(),
            **service_paths(),
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {"Problem": problem_schema(), "Record": record_schema()},
        },
    }
