"""The API page: the OpenAPI document as HTML, with a form, a command and a program for each request."""

import re
from html import escape

from mathops.errors import problem_types
from mathops.web.console.files import page, template
from mathops.web.console.request_examples import BEARER, Input, RequestExample, resolve
from mathops.web.openapi_parts import Json

# Heading and introduction of each tag, in the order of the page.
_SECTIONS = {
    "identity": ("Authorization", template("authorization.html").template),
    "operations": ("Operations", "<p>The forms use the token of the login above or of the console.</p>"),
    "history": ("History", ""),
    "service": ("Service", ""),
    "clients": ("OAuth clients", template("oauth_clients.html").template),
}
# Of the login form, for password managers.
_AUTOCOMPLETE = {"user": "username", "password": "current-password"}
_SLUG = re.compile(r"\(([a-z-]+)\)")


def api_page(document: Json) -> str:
    info = document["info"]
    sections = [_section(document, tag, *_SECTIONS[tag]) for tag in _SECTIONS]
    links = [f'<li><a href="#{tag}">{heading}</a></li>' for tag, (heading, _) in _SECTIONS.items()]
    content = template("docs.html").substitute(
        title=f"{escape(info['title'])} {escape(info['version'])}",
        description=escape(info["description"]),
        links="".join(links),
        sections="\n".join(sections),
        problems="".join(f"<tr>{_problem_row(slug)}</tr>" for slug in problem_types()),
    )
    return page(f"{info['title']} API", content, "./", "docs.js")


def _problem_row(slug: str) -> str:
    error = problem_types()[slug]
    return f"<td>{_problem_link(slug)}</td><td>{error.status}</td><td>{escape(error.title)}</td>"


def _problem_link(slug: str) -> str:
    return f'<a href="problems/{slug}">{slug}</a>'


def _section(document: Json, tag: str, heading: str, introduction: str) -> str:
    articles = [
        _article(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"] and method != "head" and "x-alias-of" not in operation
    ]
    return f'<section aria-labelledby="{tag}"><h2 id="{tag}">{heading}</h2>{introduction}{"".join(articles)}</section>'


def _article(document: Json, path: str, method: str, operation: Json) -> str:
    example = RequestExample.of(document, path, method, operation)
    name = operation["operationId"]
    aliases = [alias for alias, methods in document["paths"].items() if _alias_of(methods) == path]
    also = f" Also at {', '.join(f'<code>{alias}</code>' for alias in aliases)}." if aliases else ""
    scopes = [scope for required in operation.get("security", []) for scope in required.get("bearer", [])]
    needs = f" Scope {' or '.join(f'<code>{scope}</code>' for scope in scopes)}." if scopes else ""
    details = [
        _details("curl", _code(example.curl())),
        _details("Python", _code(example.python())),
        _details("Responses", _responses(document, operation)),
    ]
    return (
        f'<article id="{name}-request" aria-labelledby="{name}-heading">'
        f'<h3 id="{name}-heading"><code>{example.method} {escape(path)}</code></h3>'
        f"<p>{escape(operation['summary'])}.{also}{needs}</p>{_form(name, example)}{''.join(details)}</article>"
    )


def _alias_of(methods: Json) -> str | None:
    alias: str | None = next(iter(methods.values())).get("x-alias-of")
    return alias


def _form(name: str, example: RequestExample) -> str:
    bearer = " data-bearer" if example.scheme == BEARER else ""
    media_type = f' data-media-type="{example.media_type}"' if example.media_type else ""
    fields = "".join(_field(f"{name}-{each.name}", each) for each in example.inputs)
    return (
        f'<form data-method="{example.method}" data-path="{escape(example.path)}"{bearer}{media_type} '
        f'aria-label="{example.method} {escape(example.path)}">'
        f'<div class="fields">{fields}</div><button>Send</button><div class="output" aria-live="polite"></div></form>'
    )


def _field(id_: str, each: Input) -> str:
    kind = "password" if each.secret else "text"
    about = f'<small id="{id_}-about">{escape(each.description)}</small>' if each.description else ""
    described = f' aria-describedby="{id_}-about"' if about else ""
    return (
        f'<div class="field"><label for="{id_}">{escape(each.name)}{"" if each.required else " (optional)"}</label>'
        f'<input id="{id_}" name="{escape(each.name)}" type="{kind}" value="{escape(each.value)}" spellcheck="false" '
        f'autocapitalize="none" autocomplete="{_AUTOCOMPLETE.get(each.name, "off")}"{described}>{about}</div>'
    )


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def _code(text: str) -> str:
    return f'<pre tabindex="0" role="group" aria-label="Example"><code>{escape(text)}</code></pre>'


def _responses(document: Json, operation: Json) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{_linked(resolve(document, response)['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    return f'<table><thead><tr><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>{rows}</table>'


def _linked(description: str) -> str:
    """The description with links to the pages of problem types."""

    def link(found: re.Match[str]) -> str:
        return f"({_problem_link(found[1])})" if found[1] in problem_types() else found[0]

    return _SLUG.sub(link, escape(description))
