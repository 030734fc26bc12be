"""Keys are fetched from configured addresses only, with limits of time and size."""

import gzip
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from mathops.identity.issuers import discovery
from mathops.identity.issuers.discovery import fetch_keys
from mathops.identity.issuers.issuers_file import Issuer
from tests.support.oidc_issuer import DISCOVERY, JWKS, OidcIssuer, drip

pytestmark = pytest.mark.anyio


def configured(issuer: OidcIssuer, **changes: Any) -> Issuer:
    return msgspec.convert(issuer.entry(**changes), Issuer)


async def failure(issuer: Issuer) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error that the key cache reports
        await fetch_keys(issuer)
    return str(caught.value)


async def test_keys_are_found_by_discovery(issuer: OidcIssuer) -> None:
    assert list(await fetch_keys(configured(issuer))) == [(issuer.key.kid, "ES256")]
    assert [path for path, _ in issuer.requests] == [DISCOVERY, JWKS]


async def test_an_issuer_whose_url_ends_in_a_slash_is_found(issuer: OidcIssuer) -> None:
    # As those of Authentik and Auth0; the document names it with the slash.
    issuer.documents[DISCOVERY] = {"issuer": f"{issuer.url}/", "jwks_uri": f"{issuer.url}{JWKS}"}

    assert await fetch_keys(configured(issuer, url=f"{issuer.url}/"))
    assert "names another issuer" in await failure(configured(issuer))


async def test_a_configured_address_needs_no_discovery(issuer: OidcIssuer) -> None:
    entry = configured(issuer, url="https://id.example", jwks_url=f"{issuer.url}{JWKS}")

    assert await fetch_keys(entry)
    assert [path for path, _ in issuer.requests] == [JWKS]


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.2:{port}/keys",
        "https://127.0.0.1:{port}/keys",
        "http://127.0.0.1:1/keys",
        "http://127.0.0.1/keys",
        "http://127.0.0.1:{port}@evil.example/keys",
        "http://evil@127.0.0.1:{port}/keys",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "/keys",
        "http://[",
        "",
        5,
        None,
    ],
)
async def test_discovery_leads_to_no_other_server(issuer: OidcIssuer, uri: Any) -> None:
    if isinstance(uri, str):
        uri = uri.format(port=issuer.port)
    issuer.documents[DISCOVERY] = {"issuer": issuer.url, "jwks_uri": uri}

    assert "is not on the server of the issuer" in await failure(configured(issuer))
    assert [path for path, _ in issuer.requests] == [DISCOVERY]


@pytest.mark.parametrize("name", [None, "https://evil.example", 5, ["x"]])
async def test_a_document_of_another_issuer_is_rejected(issuer: OidcIssuer, name: Any) -> None:
    issuer.documents[DISCOVERY] = {"issuer": name, "jwks_uri": f"{issuer.url}{JWKS}"}

    assert "names another issuer" in await failure(configured(issuer))


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(issuer: OidcIssuer, path: str, status: int) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", f"{issuer.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    issuer.documents[path] = redirect

    assert f"returned status {status}" in await failure(configured(issuer))
    assert "/elsewhere" not in [requested for requested, _ in issuer.requests]


async def test_a_large_response_is_cut_off(issuer: OidcIssuer) -> None:
    sent = threading.Event()

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b" " * 1_000_000)
        except OSError:
            sent.set()

    issuer.documents[JWKS] = flood

    assert f"more than {discovery.MAX_BYTES} bytes" in await failure(configured(issuer))
    assert sent.wait(5)


async def test_a_compressed_response_is_not_unpacked(issuer: OidcIssuer) -> None:
    def compressed(handler: BaseHTTPRequestHandler) -> None:
        body = gzip.compress(b" " * 50_000_000)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    issuer.documents[JWKS] = compressed

    assert "compressed" in await failure(configured(issuer))


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
async def test_a_slow_response_ends_at_the_time_limit(
    issuer: OidcIssuer, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "FETCH_SECONDS", 0.3)

    issuer.documents[path] = drip
    began = time.monotonic()

    assert "no complete response within 0.3 s" in await failure(configured(issuer))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[]", b"5", b"[" * 5000, b'{"keys": [], "keys": []}', b"<html>"],
    ids=lambda body: str(body[:10]),
)
async def test_a_response_that_is_no_object_is_an_error(issuer: OidcIssuer, body: bytes) -> None:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    issuer.documents[JWKS] = write

    assert await failure(configured(issuer))


async def test_an_unreachable_issuer_is_an_error(issuer: OidcIssuer) -> None:
    issuer.stop()

    assert "connect" in (await failure(configured(issuer))).lower()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[OidcIssuer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    issuer = OidcIssuer()
    issuer.use_tls(context)
    with issuer.running():
        yield issuer


async def test_the_certificate_must_be_of_the_configured_authority(
    secured: OidcIssuer, authority: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)

    assert await fetch_keys(configured(secured, ca_file=str(path)))
    assert "CERTIFICATE_VERIFY_FAILED" in await failure(configured(secured))
    assert "No such file" in await failure(configured(secured, ca_file=str(tmp_path / "none")))
    trustme.CA().cert_pem.write_to_path(path)
    assert "CERTIFICATE_VERIFY_FAILED" in await failure(configured(secured, ca_file=str(path)))


async def test_the_token_of_a_file_is_sent_and_read_each_time(
    secured: OidcIssuer, authority: trustme.CA, tmp_path: Path
) -> None:
    path, token = tmp_path / "ca.pem", tmp_path / "token"
    authority.cert_pem.write_to_path(path)
    issuer = configured(secured, ca_file=str(path), token_file=str(token), jwks_url=f"{secured.url}{JWKS}")

    for text in ("first\n", "second"):
        token.write_text(text)
        await fetch_keys(issuer)

    assert secured.requests == [(JWKS, "Bearer first"), (JWKS, "Bearer second")]
