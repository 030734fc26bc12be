"""The documentation page, made from the OpenAPI document."""

from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "code,output{font-family:ui-monospace,monospace}output{display:block;white-space:pre-wrap;overflow-wrap:anywhere}"
    "section{border-top:1px solid #ccc;padding:.5rem 0}label{margin-right:1rem}table{border-collapse:collapse}"
    "td,th{padding:.2rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #eee}"
)


def documentation(document: dict[str, Any]) -> str:
    """HTML with every path, its parameters and answers, and a form to try it."""
    sections = "".join(
        _section(path, method, operation)
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


def _section(path: str, method: str, operation: dict[str, Any]) -> str:
    guard = "".join(f"; scope {scope}" for needed in operation.get("security", []) for scope in needed["bearer"])
    answers = "".join(
        f"<tr><td>{status}</td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}{escape(guard)}</p>{_form(path, method, operation)}"
        f"<details><summary>Answers</summary><table>{answers}</table></details></section>"
    )


def _form(path: str, method: str, operation: dict[str, Any]) -> str:
    if method == "post" and path != "/login":
        return ""
    fields = "".join(
        f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(value)}" title="{escape(about)}"></label>'
        for name, value, about in _fields(operation)
    )
    return f'<form data-path="{escape(path)}">{fields}<button>Send</button><output></output></form>'


def _fields(operation: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for parameter in operation.get("parameters", []):
        default = parameter["schema"].get("default", "")
        yield parameter["name"], str(parameter.get("example", default)), parameter["description"]
    if "requestBody" in operation:
        media = operation["requestBody"]["content"]["application/json"]
        for name in media["schema"]["properties"]:
            yield name, media["example"].get(name, ""), ""
