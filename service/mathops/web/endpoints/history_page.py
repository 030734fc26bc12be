"""GET /history: the caller's own records, newest first, by cursor pages (RFC 8288)."""

from starlette.requests import Request
from starlette.responses import Response

from mathops.models import HistoryPage, HistoryQuery, encode_json
from mathops.web.context import context_of
from mathops.web.negotiation import JSON
from mathops.web.parameters import from_query, validated

_MAX_DIGITS = 18


async def history(request: Request) -> Response:
    """One page; `next` and the Link header give the path of the following one."""
    context = context_of(request.scope)
    assert context.principal is not None
    values = from_query(request.scope["query_string"], context)
    query = validated({name: _integer(text) for name, text in values.items()}, HistoryQuery)
    page = await context.resources.journal.history(context.principal.user, query.limit, query.before)
    following = f"/history?limit={query.limit}&before={page.rows[-1][0]}" if page.more else None
    headers = {"Cache-Control": "no-store"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    body = HistoryPage([record for _, record in page.rows], following)
    return Response(encode_json(body), 200, headers, JSON)


def _integer(text: str) -> int | str:
    """The integer; any other text is left for the error."""
    plain = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if plain else text
