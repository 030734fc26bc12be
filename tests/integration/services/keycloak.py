"""A real Keycloak with the realm of compose.yaml."""

from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import RSAKey

from tests.integration.services.containers import KEYCLOAK, Container
from tests.support.server import free_port

REALM = Path(__file__).parents[3] / "k8s" / "compose" / "keycloak" / "realm.json"
CLIENT, SECRET = "calculator", "s3cret"
# Of the administrator and of the user alice.
PASSWORD = "4dmin"

_START = """
mkdir -p /opt/keycloak/data/import && printenv REALM >/opt/keycloak/data/import/realm.json
exec /opt/keycloak/bin/kc.sh start-dev --import-realm
"""


class Keycloak:
    """Ready; its port and data survive a stop."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.issuer = f"{self.url}/realms/mathops"
        environment = {
            "REALM": REALM.read_text(),
            "CALCULATOR_SECRET": SECRET,
            "ALICE_PASSWORD": PASSWORD,
            "CONSOLE_URL": "http://localhost:5000",
            "KC_HOSTNAME": self.url,
            "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
            "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
            "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m",
        }
        options = ["--entrypoint=sh"]
        command = ["-c", _START]
        self.container = Container(
            KEYCLOAK, [8080], environment=environment, command=command, fixed={8080: port}, options=options
        )
        self.wait()

    def wait(self) -> None:
        self.container.ready(
            lambda: httpx2.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).is_success, 150
        )

    def entry(self, **changes: Any) -> dict[str, Any]:
        """Its entry in an issuers file."""
        grants = [{"claim": ["realm_access", "roles"], "value": "math", "scopes": ["math", "history"]}]
        return {"url": self.issuer, "audience": "mathops", "algorithms": ["RS256"], "grants": grants, **changes}

    def request_token(self, client: str = CLIENT, secret: str = SECRET) -> httpx2.Response:
        """By client credentials."""
        return httpx2.post(
            f"{self.issuer}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(client, secret),
            timeout=20,
        )

    def token(self) -> str:
        response = self.request_token()
        assert response.is_success, response.text
        return response.json()["access_token"]

    def public_key(self) -> RSAKey:
        """The key that signs tokens."""
        keys = httpx2.get(f"{self.issuer}/protocol/openid-connect/certs", timeout=20).json()["keys"]
        return RSAKey.import_key(next(key for key in keys if key["use"] == "sig"))

    def administer(self, method: str, path: str, document: Any = None) -> Any:
        """Call the administration interface of the realm."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": PASSWORD}
        login = httpx2.post(f"{self.url}/realms/master/protocol/openid-connect/token", data=form, timeout=20)
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        address = f"{self.url}/admin/realms/mathops/{path}"
        response = httpx2.request(method, address, json=document, headers=headers, timeout=20)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def sign_in_at(self, url: str) -> dict[str, Any]:
        """Let people sign in to the service at `url`; returns the settings of its client."""
        attributes = {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": f"{url}/"}
        self.change_client("console", redirectUris=[f"{url}/callback/keycloak"], attributes=attributes)
        return {"id": "keycloak", "label": "Keycloak", "client_id": "console"}

    def change_client(self, name: str = CLIENT, **changes: Any) -> None:
        (client,) = self.administer("GET", f"clients?clientId={name}")
        self.administer("PUT", f"clients/{client['id']}", {**client, **changes})

    def rotate_keys(self) -> None:
        """Sign with a new key, and remove the older ones."""
        older = self.administer("GET", "components?type=org.keycloak.keys.KeyProvider")
        signing = [entry for entry in older if entry["providerId"] == "rsa-generated"]
        priority = 1 + max(int(entry["config"].get("priority", ["0"])[0]) for entry in signing)
        provider = {"name": f"key {priority}", "providerId": "rsa-generated", "config": {"priority": [str(priority)]}}
        self.administer("POST", "components", {**provider, "providerType": "org.keycloak.keys.KeyProvider"})
        for entry in signing:
            self.administer("DELETE", f"components/{entry['id']}")

    def remove(self) -> None:
        self.container.remove()
