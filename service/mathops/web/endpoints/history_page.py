"""GET /history: the caller's own records, newest first, by cursor pages (RFC 8288)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import InvalidParameter
from mathops.web.context import context_of
from mathops.web.negotiation import JSON
from mathops.web.parameters import from_query

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50
# Sequence numbers are 64 bits.
_MAX_NUMBER_LENGTH = 18


async def history(request: Request) -> Response:
    """One page; `next` and the Link header give the path of the following one."""
    context = context_of(request.scope)
    assert context.principal is not None
    limit, before = _page(from_query(request.scope["query_string"], context))
    page = await context.resources.journal.history(context.principal.user, limit, before)
    following = f"/history?limit={limit}&before={page.rows[-1][0]}" if page.more else None
    headers = {"Cache-Control": "no-store"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    body = {"records": [record for _, record in page.rows], "next": following}
    return Response(msgspec.json.encode(body), 200, headers, JSON)


def _page(values: dict[str, str]) -> tuple[int, int | None]:
    faults = [(name[:64], "this parameter is not known here") for name in values if name not in ("limit", "before")]
    limit = _number(values.get("limit", str(DEFAULT_PAGE_SIZE)))
    before = _number(values["before"]) if "before" in values else None
    if limit is None or not 1 <= limit <= MAX_PAGE_SIZE:
        faults.append(("limit", f"send an integer from 1 to {MAX_PAGE_SIZE}"))
    if "before" in values and before is None:
        faults.append(("before", "follow the link of the page before"))
    if faults or limit is None:
        raise InvalidParameter(faults)
    return limit, before


def _number(text: str) -> int | None:
    whole = text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_LENGTH
    return int(text) if whole else None
