"""Requests to try: the initial values of the forms, and each request as a command and as a program."""

import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from mathops.web.negotiation import FORM, JSON
from mathops.web.openapi_parts import Json

BEARER, _CLIENT = "bearer", "client"


class Input(NamedTuple):
    """A parameter, or a member of a body, with its initial value."""

    name: str
    value: str
    description: str
    required: bool
    secret: bool


def resolve(document: Json, part: Json) -> Json:
    """The component that `part` refers to, or `part`."""
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].split("/")[2:]
    component: Json = document["components"][kind][name]
    return component


class RequestExample(NamedTuple):
    """One method of one path; `media_type` is that of its body, `scheme` the security scheme."""

    method: str
    path: str
    inputs: tuple[Input, ...]
    media_type: str | None
    scheme: str | None

    @classmethod
    def of(cls, document: Json, path: str, method: str, operation: Json) -> "RequestExample":
        content = operation.get("requestBody", {}).get("content", {})
        media_type = next(iter(content), None)
        if media_type:
            inputs = tuple(_members(resolve(document, content[media_type]["schema"])))
        else:
            inputs = tuple(map(_parameter, operation.get("parameters", [])))
        scheme = next((name for required in operation.get("security", []) for name in required), None)
        return cls(method.upper(), path, inputs, media_type, scheme)

    @property
    def values(self) -> dict[str, str]:
        """The initial values; a token is the variable of the commands."""
        values = {each.name: each.value for each in self.inputs if each.value}
        return {**values, **{each.name: "$TOKEN" for each in self.inputs if each.name == "token"}}

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.values)}" if self.values and not self.media_type else self.path

    def curl(self) -> str:
        parts = [f'curl "$MATHOPS_URL{self.target}"']
        if self.scheme == BEARER:
            parts.append('-H "Authorization: Bearer $TOKEN"')
        elif self.scheme == _CLIENT:
            parts.append('-u "$CLIENT"')
        if self.media_type == JSON:
            parts += [f'-H "Content-Type: {JSON}"', f"-d '{json.dumps(self.values)}'"]
        elif self.media_type == FORM:
            parts += [f'-d {name}="{value}"' for name, value in self.values.items()]
        elif self.method == "POST":
            parts.append("-X POST")
        return " \\\n  ".join(parts)

    def python(self) -> str:
        """A program that needs only the standard library."""
        headers = self._headers()
        data = {JSON: f"json.dumps({self.values}).encode()", FORM: f"urlencode({_expressions(self.values)}).encode()"}
        arguments = [f'os.environ["MATHOPS_URL"] + "{self.target}"']
        if self.media_type:
            arguments.append(f"data={data[self.media_type]}")
        if headers:
            arguments.append(f"headers={{{', '.join(headers)}}}")
        arguments.append(f'method="{self.method}"')
        lines = ["import os", "from urllib.request import Request, urlopen", ""]
        if self.media_type == FORM:
            lines[1:1] = ["from urllib.parse import urlencode"]
        if self.media_type == JSON:
            lines[:0] = ["import json"]
        if self.scheme == _CLIENT:
            lines[:0] = ["import base64"]
        call = ",\n    ".join(arguments)
        return "\n".join([*lines, f"request = Request(\n    {call},\n)", "print(urlopen(request).read().decode())"])

    def _headers(self) -> list[str]:
        headers = []
        if self.scheme == BEARER:
            headers.append('"Authorization": "Bearer " + os.environ["TOKEN"]')
        elif self.scheme == _CLIENT:
            credentials = 'base64.b64encode(os.environ["CLIENT"].encode()).decode()'
            headers.append(f'"Authorization": "Basic " + {credentials}')
        if self.media_type == JSON:
            headers.append(f'"Content-Type": "{JSON}"')
        return headers


def _expressions(values: dict[str, str]) -> str:
    """A dictionary in Python, whose value $TOKEN is the variable."""
    shown = ('os.environ["TOKEN"]' if value == "$TOKEN" else json.dumps(value) for value in values.values())
    return "{" + ", ".join(f'"{name}": {value}' for name, value in zip(values, shown, strict=True)) + "}"


def _parameter(parameter: Json) -> Input:
    value = str(parameter.get("example", parameter["schema"].get("default", "")))
    return Input(parameter["name"], value, parameter["description"], parameter.get("required", False), secret=False)


def _members(schema: Json) -> Iterator[Input]:
    required, examples = schema.get("required", ()), schema.get("example", {})
    for name, member in schema["properties"].items():
        # The only value of a required member.
        choices = member.get("enum", [""]) if name in required else [""]
        value = str(examples.get(name, member.get("examples", choices)[0]))
        secret = "password" in (member.get("format"), *(each.get("format") for each in member.get("anyOf", ())))
        yield Input(name, value, member.get("description", ""), name in required, secret or name.endswith("password"))
