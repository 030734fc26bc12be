"""An OpenID Connect issuer on loopback: discovery and keys by HTTP, and tokens."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc.jwk import ECKey

from tests.support.forgery import Forge

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/keys"
AUDIENCE = "mathops"


def forge(url: str, key: ECKey) -> Forge:
    """Tokens of the issuer at `url`, signed with `key`."""
    now = int(time.time())
    times = {"iat": now, "exp": now + 600}
    claims = {"iss": url, "aud": AUDIENCE, "sub": "alice", "scope": "mathops other", **times, "jti": "1"}
    return Forge(key, {"alg": "ES256", "typ": "JWT", "kid": key.kid}, claims)


class OidcIssuer:
    """`documents` has what is served by path: JSON, or a function that writes the response itself."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, str | None]] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append((self.path, self.headers["Authorization"]))
                document = issuer.documents.get(self.path.partition("?")[0])
                # As the API server of Kubernetes.
                if self.path == JWKS and "application/jwk-set+json" not in self.headers["Accept"]:
                    self.send_error(406)
                    return
                if callable(document):
                    document(self)
                    return
                body = json.dumps(document).encode()
                self.send_response(200 if document is not None else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - named by http.server

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.documents: dict[str, Any | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.publish(self.key)
        self._set_url("http")

    def _set_url(self, scheme: str) -> None:
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.documents[DISCOVERY] = {"issuer": self.url, "jwks_uri": f"{self.url}{JWKS}"}

    @property
    def discovery(self) -> dict[str, Any]:
        """The document, which tests change."""
        document = self.documents[DISCOVERY]
        assert isinstance(document, dict)
        return document

    def use_tls(self, context: ssl.SSLContext) -> None:
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._set_url("https")

    def publish(self, *keys: ECKey) -> None:
        self.documents[JWKS] = {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES256"} for key in keys]}

    def rotate(self) -> None:
        """Replace the key."""
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.publish(self.key)

    @property
    def forge(self) -> Forge:
        return forge(self.url, self.key)

    def entry(self, **changes: Any) -> dict[str, Any]:
        """Its entry in an issuers file."""
        grants = [{"claim": "scope", "value": "mathops", "scopes": ["math", "history"]}]
        return {"url": self.url, "audience": AUDIENCE, "algorithms": ["ES256"], "grants": grants, **changes}

    @contextmanager
    def running(self) -> Iterator[Self]:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Free the port."""
        self._server.server_close()


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Respond for several seconds, or until the client closes the connection."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
