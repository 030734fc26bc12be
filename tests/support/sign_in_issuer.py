"""An external issuer through which people sign in: it redirects browsers back with a code, for tokens with PKCE."""

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.forgery import ABSENT
from tests.support.oidc_issuer import OidcIssuer

CLIENT = "mathops-console"
_ENDPOINTS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "end_session_endpoint": "/end-session",
}


class SignInIssuer(OidcIssuer):
    """Signs in everyone as alice. `claims` changes the ID tokens, `token` replaces their forging."""

    def __init__(self) -> None:
        super().__init__()
        endpoints = {name: self.url + path for name, path in _ENDPOINTS.items()}
        self.discovery.update(endpoints, authorization_response_iss_parameter_supported=True)
        self.documents["/authorize"] = self._redirect
        self.documents["/token"] = self._exchange
        self.documents["/end-session"] = self._end_session
        self.secret: str | None = None
        self.claims: dict[str, Any] = {}
        self.token: Callable[[dict[str, Any]], Any] | None = None
        # The query of its authorization request by code.
        self._codes: dict[str, dict[str, str]] = {}
        self.exchanges = 0

    def entry(self, name: str = "test", sign_in: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        usual = {"id": name, "label": "Test issuer", "client_id": CLIENT}
        return super().entry(sign_in={**usual, **(sign_in or {})}, **changes)

    def respond(self, url: str, **changes: Any) -> str:
        """The redirect after a person has signed in on the page `url`; ABSENT removes a parameter."""
        query = dict(parse_qsl(urlsplit(url).query))
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        parameters = {"code": code, "state": query["state"], "iss": self.url, **changes}
        present = {name: value for name, value in parameters.items() if value is not ABSENT}
        return f"{query['redirect_uri']}?{urlencode(present)}"

    def _redirect(self, handler: BaseHTTPRequestHandler) -> None:
        send(handler, 302, b"", Location=self.respond(handler.path))

    def _end_session(self, handler: BaseHTTPRequestHandler) -> None:
        query = dict(parse_qsl(urlsplit(handler.path).query))
        send(handler, 302, b"", Location=query["post_logout_redirect_uri"])

    def _exchange(self, handler: BaseHTTPRequestHandler) -> None:
        self.exchanges += 1
        form = dict(parse_qsl(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        asked = self._codes.pop(form["code"], {})
        if not self._authenticated(form, handler.headers["Authorization"]):
            send(handler, 401, b'{"error": "invalid_client"}')
            return
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if (asked.get("code_challenge"), asked.get("redirect_uri")) != (challenge, form["redirect_uri"]):
            send(handler, 400, b'{"error": "invalid_grant"}')
            return
        id_token = self._id_token(asked["nonce"])
        send(
            handler, 200, json.dumps({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}).encode()
        )

    def _authenticated(self, form: dict[str, str], header: str | None) -> bool:
        if self.secret is None:
            return header is None and form["client_id"] == CLIENT
        by_header = header is not None and b64decode(header.partition(" ")[2]).decode("latin-1")
        return by_header == f"{CLIENT}:{self.secret}" or form.get("client_secret") == self.secret

    def _id_token(self, nonce: str) -> Any:
        now = int(time.time())
        usual = {"aud": CLIENT, "azp": ABSENT, "nonce": nonce, "iat": now, "jti": ABSENT, "scope": "mathops"}
        claims = {**usual, **self.claims}
        return self.token(claims) if self.token else self.forge(**claims)


def issuers_file(folder: Path, *entries: dict[str, Any]) -> str:
    """The path of a file with these issuers."""
    path = folder / "issuers.json"
    path.write_text(json.dumps({"issuers": entries}))
    return str(path)


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
