"""The documentation page, derived from the OpenAPI document."""

from collections.abc import Iterator
from html import escape
from typing import Any

from mathops.web.negotiation import JSON

Json = dict[str, Any]

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "code,output{font-family:ui-monospace,monospace}output{display:block;white-space:pre-wrap;overflow-wrap:anywhere}"
    "section{border-top:1px solid #ccc;padding:.5rem 0}label{margin-right:1rem}table{border-collapse:collapse}"
    "td,th{padding:.2rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #eee}"
)


def documentation(document: Json) -> str:
    """HTML with every path, its parameters and responses, and a form to send a request."""
    sections = "".join(
        _section(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(info["title"])}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'<p>{escape(info["description"])} <a href="/openapi.json">openapi.json</a></p>'
        f'{sections}<script src="/docs/try.js"></script></body></html>'
    )


def _section(document: Json, path: str, method: str, operation: Json) -> str:
    scopes = "".join(f"; scope {scope}" for required in operation.get("security", []) for scope in required["bearer"])
    responses = "".join(
        f"<tr><td>{status}</td><td>{escape(_resolve(document, response)['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}{escape(scopes)}</p>{_form(document, path, method, operation)}"
        f"<details><summary>Responses</summary><table>{responses}</table></details></section>"
    )


def _form(document: Json, path: str, method: str, operation: Json) -> str:
    if method == "post" and path != "/login":
        return ""
    inputs = "".join(
        f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(value)}" title="{escape(about)}"></label>'
        for name, value, about in _inputs(document, operation)
    )
    return f'<form data-path="{escape(path)}">{inputs}<button>Send</button><output></output></form>'


def _inputs(document: Json, operation: Json) -> Iterator[tuple[str, str, str]]:
    for reference in operation.get("parameters", []):
        parameter = _resolve(document, reference)
        default = parameter["schema"].get("default", "")
        yield parameter["name"], str(parameter.get("example", default)), parameter["description"]
    if "requestBody" in operation:
        schema = _resolve(document, operation["requestBody"]["content"][JSON]["schema"])
        for name, member in schema["properties"].items():
            yield name, member.get("examples", [""])[0], member["description"]


def _resolve(document: Json, part: Json) -> Json:
    """The component that `part` refers to, or `part`."""
    if "$ref" not in part:
        return part
    found = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found
