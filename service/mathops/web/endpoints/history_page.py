"""GET /history: the caller's records, newest first, by cursor pages (RFC 8288)."""

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import InvalidParameter
from mathops.models import HistoryPage, HistoryQuery, encode_json
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
    before = None if query.before is UNSET else query.before
    page = await context.resources.journal.history(context.principal.user, query.limit, before)
    following = f"{context.root_path}/history?limit={query.limit}&before={page.rows[-1][0]}" if page.more else None
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    body = HistoryPage([record for _, record in page.rows], following)
    return Response(encode_json(body), 200, {**NO_STORE, **link}, JSON)


def _integer(text: str) -> int | str:
    """The integer; any other text stays and fails validation."""
    # int() of a very long text raises ValueError, and no sequence number has more than 18 digits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else text
