"""The public keys of an issuer, fetched by OpenID Connect Discovery 1.0 or from a configured URL."""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from mathops import __version__
from mathops.identity.issuers import strict_json
from mathops.identity.issuers.issuers_file import Issuer, is_url
from mathops.identity.issuers.key_cache import FETCH_SECONDS
from mathops.identity.issuers.public_keys import PublicKeys, public_keys

MAX_BYTES = 256 * 1024
# The API server of Kubernetes returns 406 without the media type of JWK Sets (RFC 7517, 8.5.2).
_ACCEPT = "application/json, application/jwk-set+json"
_PATH = "/.well-known/openid-configuration"

# The key cache logs failures.
logging.getLogger("httpx2").setLevel(logging.WARNING)


async def fetch_keys(issuer: Issuer) -> PublicKeys:
    """Raises an exception whose message says why the keys cannot be fetched."""
    try:
        # Certificates and the token are files that change, so that each fetch has a client of its own.
        async with asyncio.timeout(FETCH_SECONDS), await asyncio.to_thread(_client, issuer) as client:
            url = issuer.jwks_url or await _discovered_url(client, issuer)
            return public_keys(await _json(client, url))
    except TimeoutError:
        raise TimeoutError(f"no complete response within {FETCH_SECONDS:g} s") from None


def _client(issuer: Issuer) -> httpx2.AsyncClient:
    headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity", "User-Agent": f"mathops/{__version__}"}
    if issuer.token_file:
        headers["Authorization"] = f"Bearer {Path(issuer.token_file).read_text().strip()}"
    context = ssl.create_default_context(cafile=issuer.ca_file) if issuer.ca_file else httpx2.create_ssl_context()
    return httpx2.AsyncClient(verify=context, headers=headers, timeout=FETCH_SECONDS, follow_redirects=False)


async def _discovered_url(client: httpx2.AsyncClient, issuer: Issuer) -> str:
    document = await _json(client, issuer.url.removesuffix("/") + _PATH)
    if document.get("issuer") != issuer.url:
        raise ValueError(f"the document of {issuer.url} names another issuer: {document.get('issuer')!r:.200}")
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not is_url(url) or _origin(url) != _origin(issuer.url):
        raise ValueError(f"jwks_uri {url!r:.200} is not on the server of the issuer; set jwks_url to use it")
    return url


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}[parts.scheme]


async def _json(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise ValueError(f"{url} returned status {response.status_code}")
        # A compressed response may be larger than memory.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ValueError(f"{url} returned a compressed response")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError(f"{url} returned more than {MAX_BYTES} bytes")
    document = strict_json.loads(body)
    if not isinstance(document, dict):
        raise TypeError(f"{url} returned no JSON object")
    return document
