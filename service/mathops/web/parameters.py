"""The parameters of an operation, from a query or a JSON body, as texts."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import fields
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from mathops.errors import InvalidParameter, MalformedRequest, UnsupportedMediaType
from mathops.models import Document
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.web.context import RequestContext, context_of

# No operation has so many; thousands would only cost time, and room in the journal.
_MAX_PARAMETERS = 32
_NESTED: dict[type, str] = {dict: "{...}", list: "[...]"}


def from_query(query: bytes, context: RequestContext) -> dict[str, str]:
    """Parameters of a query string; raises InvalidParameter for one given twice."""
    try:
        text = query.decode("ascii")
        if "%" not in text and "+" not in text and text.count("&") < _MAX_PARAMETERS:
            # Without escapes, which is nearly always, this is all that parsing is.
            return _unique([part.partition("=")[::2] for part in text.split("&") if part], context)
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise MalformedRequest("the query is not UTF-8 in percent-encoding") from None
    except ValueError:
        raise MalformedRequest(f"the query has more than {_MAX_PARAMETERS} parameters") from None
    return _unique(pairs, context)


async def from_body(scope: Scope, receive: Receive, context: RequestContext) -> dict[str, str]:
    """Parameters of a JSON object whose members are strings or integers."""
    if unread := from_query(scope["query_string"], context):
        raise InvalidParameter([(name[:64], "send it in the JSON body, not in the query") for name in unread])
    document = await json_object(scope, receive)
    if len(document) > _MAX_PARAMETERS:
        raise MalformedRequest(f"the body has more than {_MAX_PARAMETERS} members")
    # The text of what is no string and no integer is no integer either, and is refused with all other faults.
    context.parameters = {name: _text(value) for name, value in document.items()}
    return context.parameters


async def json_object(scope: Scope, receive: Receive) -> dict[str, Any]:
    """The JSON object in a body; raises UnsupportedMediaType or MalformedRequest."""
    media_type = (context_of(scope).field(b"content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("send the body as Content-Type: application/json")
    try:
        document = json.loads(
            await _body(receive),
            object_pairs_hook=_no_duplicates,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise MalformedRequest("the JSON body is nested too deeply") from None
    except ValueError as error:
        raise MalformedRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedRequest('send one JSON object, such as {"n": "10"}')
    return document


def validated(values: Mapping[str, Any], kind: type[Document]) -> Document:
    """The values as a `kind`; raises InvalidParameter with all errors."""
    members = fields(kind)
    known = {member.name for member in members}
    errors = [(name[:64], "this parameter is not known here") for name in values if name not in known]
    found = {}
    for member in members:
        if member.name in values or member.required:
            try:
                found[member.name] = msgspec.convert(values.get(member.name), member.type)
            except msgspec.ValidationError:
                errors.append((member.name, f"send {_description(member.type)}"))
    if errors:
        raise InvalidParameter(errors)
    return kind(**found)


def _description(annotated: Any) -> str:
    meta: msgspec.Meta = annotated.__metadata__[0]
    return meta.description or ""


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _unique(pairs: list[tuple[str, str]], context: RequestContext) -> dict[str, str]:
    values = context.parameters = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidParameter(
            [(name[:64], "this parameter is given more than once") for name in values if names.count(name) > 1]
        )
    return values


def _text(value: Any) -> str:
    """The value as sent; nested ones are never integers, and their content is left out."""
    if isinstance(value, str):
        return _storable(value)
    return _NESTED.get(type(value)) or json.dumps(value)


def _storable(text: str) -> str:
    """Lone surrogates, which JSON can carry, have no UTF-8, and no store takes them."""
    return text.encode("utf-8", "replace").decode()


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = {_storable(name): value for name, value in pairs}
    if len(document) != len(pairs):
        raise ValueError("a member is named twice")
    return document


def _integer(text: str) -> int | str:
    """An integer; one of more digits than int() reads stays a text, whose length the operation refuses."""
    return int(text) if len(text) <= MAX_PARAMETER_DIGITS else text


def _number(text: str) -> int | float:
    """A number with a fraction or an exponent: 1.0 and 1e3 are integers (JSON Schema, 6.1.1), and stay exact."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return float(text)
    whole = number.adjusted() < MAX_PARAMETER_DIGITS and number == number.to_integral_value()
    return int(number) if whole else float(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
