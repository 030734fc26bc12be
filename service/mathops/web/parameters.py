"""Parameters of a request, from the query or a JSON body."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import fields
from starlette.requests import Request
from starlette.types import Receive, Scope

from mathops.errors import InvalidParameter, MalformedRequest, UnsupportedMediaType
from mathops.models import Document
from mathops.operations.operation import MAX_PARAMETER_DIGITS, UNKNOWN_PARAMETER
from mathops.web.context import RequestContext, context_of
from mathops.web.negotiation import JSON

# More than any operation has; thousands would only cost time and space in the journal.
_MAX_PARAMETERS = 32
_CHARSET = re.compile(r'charset\s*=\s*"?([^\s";]*)')
_NESTED: dict[type, str] = {dict: "{...}", list: "[...]"}


class Parameters(NamedTuple):
    """Texts as sent, and errors in how they were sent, both by name."""

    values: dict[str, str]
    errors: list[tuple[str, str]]


async def read_parameters(scope: Scope, receive: Receive) -> Parameters:
    """The query of GET and HEAD, the JSON members of POST; raises MalformedRequest or UnsupportedMediaType."""
    query = parse_query(scope["query_string"])
    if scope["method"] != "POST":
        return query
    if query.values:
        return Parameters(query.values, [(name, "send it in the JSON body, not in the query") for name in query.values])
    document = await json_object(scope, receive, _number_text)
    if len(document) > _MAX_PARAMETERS:
        raise MalformedRequest(f"the body has more than {_MAX_PARAMETERS} members")
    return Parameters({name: _text(value) for name, value in document.items()}, [])


def parse_query(query: bytes) -> Parameters:
    """Raises MalformedRequest."""
    try:
        text = query.decode("ascii")
        if "%" not in text and "+" not in text and text.count("&") < _MAX_PARAMETERS:
            # Almost all queries have no escapes, and parse_qsl is slower.
            pairs = [part.partition("=")[::2] for part in text.split("&") if part]
        else:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise MalformedRequest("the query is not percent-encoded UTF-8") from None
    except ValueError:
        raise MalformedRequest(f"the query has more than {_MAX_PARAMETERS} parameters") from None
    values = dict(pairs)
    if len(values) == len(pairs):
        return Parameters(values, [])
    names = [name for name, _ in pairs]
    return Parameters(values, [(name, "this parameter is repeated") for name in values if names.count(name) > 1])


def validated(values: Mapping[str, Any], kind: type[Document]) -> Document:
    """The values as a `kind`; raises InvalidParameter with all errors."""
    members = fields(kind)
    known = {member.name for member in members}
    errors = [(name, UNKNOWN_PARAMETER) for name in values if name not in known]
    found = {}
    for member in members:
        if member.name in values or member.required:
            try:
                found[member.name] = msgspec.convert(values.get(member.name), member.type)
            except msgspec.ValidationError:
                errors.append((member.name, f"send {member.type.__metadata__[-1].description}"))
    if errors:
        raise InvalidParameter(errors)
    return kind(**found)


async def json_object(scope: Scope, receive: Receive, parse_number: Callable[[str], Any] = float) -> dict[str, Any]:
    """The JSON object in a body in UTF-8; raises UnsupportedMediaType or MalformedRequest."""
    _check_content(context_of(scope))
    body = await Request(scope, receive).body()
    try:
        document = json.loads(
            # json.loads itself would accept UTF-16 and UTF-32 too.
            body.decode("utf-8-sig"),
            object_pairs_hook=_unique_members,
            parse_int=parse_number,
            parse_float=parse_number,
            parse_constant=_reject_constant,
        )
    except RecursionError:
        raise MalformedRequest("the JSON body is nested too deeply") from None
    except ValueError as error:
        raise MalformedRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedRequest('send one JSON object, such as {"n": "10"}')
    return document


def _check_content(context: RequestContext) -> None:
    media_type, _, parameters = (context.header(b"content-type") or "").lower().partition(";")
    if media_type.strip() != JSON:
        raise UnsupportedMediaType(f"send the body as Content-Type: {JSON}")
    charset = _CHARSET.search(parameters)
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("send the body in UTF-8")
    if (context.header(b"content-encoding") or "identity").strip().lower() != "identity":
        # The header says which codings would be accepted (RFC 9110, 15.5.16).
        context.response_headers.append((b"accept-encoding", b"identity"))
        raise UnsupportedMediaType("send the body without Content-Encoding")


def _text(value: Any) -> str:
    """A JSON value as text; numbers are texts already, and nested values are never integers."""
    return _storable(value) if isinstance(value, str) else _NESTED.get(type(value)) or json.dumps(value)


def _storable(text: str) -> str:
    """Replaces lone surrogates, which JSON can contain and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = {_storable(name): value for name, value in pairs}
    if len(document) != len(pairs):
        raise ValueError("a member is repeated")
    return document


def _number_text(text: str) -> str:
    """1.0 and 1e3 as the integers that they are (JSON Schema, 6.1.1), exactly, -0 as 0; any other number as sent."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    whole = number.adjusted() < MAX_PARAMETER_DIGITS and number == number.to_integral_value()
    return str(int(number)) if whole else text


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
