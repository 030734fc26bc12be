"""A sign-in between its start and the redirect of the issuer, kept by the browser in an encrypted cookie."""

from msgspec import Struct
from msgspec.json import decode, encode
from starlette.types import Scope

from mathops.identity.sealed_text import seal, unseal
from mathops.web.context import context_of
from mathops.web.sign_in.cookies import Cookie

_SECONDS = 600
# Tabs in which a sign-in may be open at once; more cookies would exceed the size limit of request headers.
_SLOTS = 16


class PendingSignIn(Struct):
    """`next` is the path of the page to return to."""

    state: str
    nonce: str
    code_verifier: str
    next: str


def keep(scope: Scope, url: str, path: str, pending: PendingSignIn) -> None:
    """`path` is that of the redirect URI."""
    sealed = seal(context_of(scope).resources.keys, path, encode(pending).decode(), _SECONDS)
    _cookie(url, path, pending.state).set(scope, sealed, _SECONDS)


def take(scope: Scope, url: str, path: str, state: str) -> PendingSignIn | None:
    """The sign-in with that state, which the browser forgets."""
    cookie = _cookie(url, path, state)
    for value in cookie.values(scope):
        text = unseal(context_of(scope).resources.keys, path, value)
        pending = decode(text, type=PendingSignIn) if text else None
        if pending is not None and pending.state == state:
            cookie.delete(scope)
            return pending
    return None


def _cookie(url: str, path: str, state: str) -> Cookie:
    return Cookie(url, f"mathops-sign-in-{sum(state.encode()) % _SLOTS}", path)
