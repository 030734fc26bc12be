"""Keys and endpoints of an issuer, found by OpenID Connect Discovery 1.0 or at configured URLs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import httpx2

from mathops import __version__
from mathops.identity.issuers import strict_json
from mathops.identity.issuers.issuers_file import Issuer, SignIn, is_browser_url, is_url
from mathops.identity.issuers.key_cache import FETCH_SECONDS
from mathops.identity.issuers.public_keys import PublicKeys, public_keys
from mathops.tls import client_context

MAX_BYTES = 256 * 1024
# The API server of Kubernetes returns 406 without the media type of JWK Sets (RFC 7517, 8.5.2).
_ACCEPT = "application/json, application/jwk-set+json"
_PATH = "/.well-known/openid-configuration"

# The key cache logs failures.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Endpoints(NamedTuple):
    """Of an issuer, for people; `names_issuer` says whether its redirects have the parameter iss (RFC 9207)."""

    authorization: str
    token: str
    end_session: str | None
    names_issuer: bool
    client_authentication: str


async def fetch_keys(issuer: Issuer) -> PublicKeys:
    """Raises an exception whose message says why the keys cannot be fetched."""
    async with time_limit(), await asyncio.to_thread(_client, issuer) as client:
        url = issuer.jwks_url or _on_its_server(issuer, await _discovered(client, issuer), "jwks_uri", "jwks_url")
        return public_keys(await _json(client, url))


async def fetch_endpoints(issuer: Issuer, sign_in: SignIn) -> Endpoints:
    """Raises an exception whose message says why the endpoints cannot be found."""
    document = {}
    if not (sign_in.authorization_url and sign_in.token_url):
        async with time_limit(), await asyncio.to_thread(_client, issuer) as client:
            document = await _discovered(client, issuer)
    methods = document.get("token_endpoint_auth_methods_supported")
    # Servers differ in whether they decode a secret in a Basic header.
    by_form = isinstance(methods, list) and "client_secret_post" in methods
    return Endpoints(
        authorization=sign_in.authorization_url or _browser_url(document, "authorization_endpoint"),
        token=sign_in.token_url or _on_its_server(issuer, document, "token_endpoint", "sign_in.token_url"),
        end_session=sign_in.end_session_url
        or (_browser_url(document, "end_session_endpoint") if document.get("end_session_endpoint") else None),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        client_authentication="client_secret_post" if by_form else "client_secret_basic",
    )


@asynccontextmanager
async def time_limit() -> AsyncIterator[None]:
    """Of the requests for one purpose; raises TimeoutError with a message."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            yield
    except TimeoutError:
        raise TimeoutError(f"no complete response within {FETCH_SECONDS:g} s") from None


def client_options(issuer: Issuer) -> dict[str, Any]:
    """Of clients that send requests to the issuer; reads its certificates."""
    context = client_context(issuer.ca_file) if issuer.ca_file else httpx2.create_ssl_context()
    return {
        "verify": context,
        "headers": {"Accept": _ACCEPT, "Accept-Encoding": "identity", "User-Agent": f"mathops/{__version__}"},
        "timeout": FETCH_SECONDS,
        "follow_redirects": False,
        "event_hooks": {"response": [_limit]},
    }


def _client(issuer: Issuer) -> httpx2.AsyncClient:
    """One for each fetch, because certificates and the token are files that change."""
    options = client_options(issuer)
    if issuer.token_file:
        options["headers"]["Authorization"] = f"Bearer {Path(issuer.token_file).read_text().strip()}"
    return httpx2.AsyncClient(**options)


async def _discovered(client: httpx2.AsyncClient, issuer: Issuer) -> dict[str, Any]:
    document = await _json(client, issuer.url.removesuffix("/") + _PATH)
    if document.get("issuer") != issuer.url:
        raise ValueError(f"the document of {issuer.url} names another issuer: {document.get('issuer')!r:.200}")
    return document


def _on_its_server(issuer: Issuer, document: dict[str, Any], name: str, setting: str) -> str:
    """A URL that the service itself requests."""
    url = document.get(name)
    if not isinstance(url, str) or not is_url(url) or _origin(url) != _origin(issuer.url):
        raise ValueError(f"{name} {url!r:.200} is not on the server of the issuer; set {setting} to use it")
    return url


def _browser_url(document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_browser_url(url):
        raise ValueError(f"{name} {url!r:.200} is no URL of a page")
    return url


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}[parts.scheme]


class _Limited(httpx2.AsyncByteStream):
    """Raises ValueError beyond MAX_BYTES."""

    def __init__(self, response: httpx2.Response) -> None:
        self._stream = cast("httpx2.AsyncByteStream", response.stream)
        self._url = response.url

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_BYTES:
                raise ValueError(f"{self._url} returned more than {MAX_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _limit(response: httpx2.Response) -> None:
    # A compressed response may be larger than memory.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError(f"{response.url} returned a compressed response")
    response.stream = _Limited(response)


async def _json(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    response = await client.get(url)
    if response.status_code != 200:
        raise ValueError(f"{url} returned status {response.status_code}")
    document = strict_json.loads(response.content)
    if not isinstance(document, dict):
        raise TypeError(f"{url} returned no JSON object")
    return document
