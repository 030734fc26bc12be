"""The documentation page, derived from the OpenAPI document."""

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from mathops.web.negotiation import JSON

Json = dict[str, Any]

_PAGE = Template(files("mathops.web").joinpath("docs.html").read_text(encoding="utf-8"))


def documentation(document: Json) -> str:
    """HTML with every path, its parameters and responses, and a form to send a request."""
    info = {name: escape(document["info"][name]) for name in ("title", "version", "description")}
    sections = [
        _section(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]
    return _PAGE.substitute(info, sections="\n".join(sections))


def _section(document: Json, path: str, method: str, operation: Json) -> str:
    scopes = "".join(f"; scope {scope}" for required in operation.get("security", []) for scope in required["bearer"])
    responses = "".join(
        f"<tr><td>{status}</td><td>{escape(_resolve(document, response)['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    inputs = "".join(
        f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(value)}" title="{escape(about)}"></label>'
        for name, value, about in _inputs(document, operation)
    )
    form = f'<form data-path="{escape(path)}">{inputs}<button>Send</button><output></output></form>'
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}{escape(scopes)}</p>{form if method == 'get' or path == '/login' else ''}"
        f"<details><summary>Responses</summary><table>{responses}</table></details></section>"
    )


def _inputs(document: Json, operation: Json) -> Iterator[tuple[str, str, str]]:
    """Name, initial value and description of each parameter or member of the body."""
    for reference in operation.get("parameters", []):
        parameter = _resolve(document, reference)
        default = parameter["schema"].get("default", "")
        yield parameter["name"], str(parameter.get("example", default)), parameter["description"]
    if "requestBody" in operation:
        schema = _resolve(document, _resolve(document, operation["requestBody"])["content"][JSON]["schema"])
        for name, member in schema["properties"].items():
            yield name, member.get("examples", [""])[0], member["description"]


def _resolve(document: Json, part: Json) -> Json:
    """The component that `part` refers to, or `part`."""
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].split("/")[2:]
    component: Json = document["components"][kind][name]
    return component
