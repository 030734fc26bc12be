"""The session of a browser: a token of the service in a cookie, accepted from pages of the service only."""

from starlette.types import Scope

from mathops.errors import Unauthorized
from mathops.identity.tokens import Principal, invalid_token
from mathops.web.context import context_of
from mathops.web.sign_in.cookies import Cookie
from mathops.web.sign_in.public_address import origin_of, public_url


def session_cookie(url: str) -> Cookie:
    return Cookie(url, "mathops-session")


def session_principal(scope: Scope) -> Principal | None:
    """The user of the session, or None without one; raises Unauthorized if its token is invalid."""
    context = context_of(scope)
    issuers = context.resources.issuers
    if b"cookie" not in context.headers or issuers is None or not issuers.sign_in_clients:
        return None
    url = public_url(scope)
    if not _is_same_origin(scope, url):
        return None
    rejected: Unauthorized | None = None
    for token in session_cookie(url).values(scope):
        try:
            principal = context.resources.tokens.verify(token)
        except Unauthorized as error:
            rejected = error
            continue
        if issuers.sign_in_client_of(principal.user):
            return principal
        rejected = invalid_token("the session is of no issuer for signing in", "sign in again")
    if rejected is not None:
        raise rejected
    return None


def _is_same_origin(scope: Scope, url: str) -> bool:
    """Whether a page of the service sent the request: other sites must not compute, or use quotas, for its visitor."""
    context = context_of(scope)
    if (site := context.header(b"sec-fetch-site")) is not None:
        return site == "same-origin"
    # Browsers before 2023 send no Fetch Metadata, and Origin with POST requests only.
    return (context.header(b"origin") or "").lower() == origin_of(url)
