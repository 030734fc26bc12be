"""GET /history: the caller's records, newest first, by cursor pages (RFC 8288)."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import InvalidParameter
from mathops.models import HistoryFilters, HistoryPage, HistoryQuery, encode_json
from mathops.web.context import NO_STORE, context_of
from mathops.web.negotiation import JSON
from mathops.web.parameters import parse_query, validated


async def history(request: Request) -> Response:
    context = context_of(request.scope)
    assert context.principal is not None
    values, errors = parse_query(request.scope["query_string"])
    if errors:
        raise InvalidParameter(errors)
    query = validated({name: _integer(text) for name, text in values.items()}, HistoryQuery)
    page = await context.resources.journal.history(context.principal.user, query)
    filters = {name: values[name] for name in HistoryFilters.__struct_fields__ if name in values}

    def path(**cursor: int) -> str:
        return f"{context.root_path}/history?{urlencode({**filters, 'limit': query.limit, **cursor})}"

    following = None if page.next is None else path(before=page.next)
    newer = path(after=page.newer)
    links = [*([f'<{following}>; rel="next"'] if following else []), f'<{newer}>; rel="prev"']
    body = HistoryPage([record for _, record in page.rows], following, newer)
    return Response(encode_json(body), 200, {**NO_STORE, "Link": ", ".join(links)}, JSON)


def _integer(text: str) -> int | str:
    """The integer; any other text stays and fails validation."""
    # int() of a very long text raises ValueError, and no sequence number has more than 18 digits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else text
