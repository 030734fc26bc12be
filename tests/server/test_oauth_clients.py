"""A running service with OAuth clients: the commands that manage them, and Authlib's client."""

from collections.abc import Callable
from pathlib import Path

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import RSAKey

from tests.support.server import Server, eventually

pytestmark = pytest.mark.anyio
METHODS = ("client_secret_basic", "client_secret_post")


class Clients:
    """A server whose clients the command line has added."""

    def __init__(self, start: Callable[..., Server], folder: Path, key: RSAKey | None = None, **variables: str) -> None:
        self._file = {"MATHOPS_CLIENTS_FILE": str(folder / "clients")}
        command = Server(folder, self._file)
        self.secrets = {
            name: command.run("clients", "add", name, *scopes).stdout.strip()
            for name, scopes in {
                "prometheus": ("--scope", "metrics"),
                "envoy": ("--scope", "math"),
                "gateway": ("--scope", "introspect"),
            }.items()
        }
        if key:
            (folder / "public.pem").write_bytes(key.as_pem(private=False))
            command.run("clients", "add", "signer", "--public-key", str(folder / "public.pem"))
        # The tests below may send a secret until the service has read it.
        self.server = start(**self._file, MATHOPS_QUOTA_LOGIN="1000/minute", **variables)
        self.url = str(self.server.client.base_url).rstrip("/")

    def client(self, name: str, **options: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(name, self.secrets[name], token_endpoint=f"{self.url}/token", **options)


@pytest.fixture
def clients(start_server: Callable[..., Server], tmp_path: Path) -> Clients:
    return Clients(start_server, tmp_path, MATHOPS_METRICS_SCOPE="metrics")


@pytest.mark.parametrize("method", METHODS)
async def test_a_client_library_scrapes_metrics_that_require_a_scope(clients: Clients, method: str) -> None:
    async with clients.client("prometheus", token_endpoint_auth_method=method) as client:
        token = await client.fetch_token(grant_type="client_credentials", scope="metrics")
        response = await client.get(f"{clients.url}/metrics")

    assert (token["token_type"], token["scope"]) == ("Bearer", "metrics")
    assert response.status_code == 200
    assert "mathops_build_info" in response.text
    assert clients.server.client.get("/metrics").status_code == 401


async def test_a_client_library_revokes_and_introspects_tokens(clients: Clients) -> None:
    async with clients.client("envoy") as envoy, clients.client("gateway") as gateway:
        token = (await envoy.fetch_token(grant_type="client_credentials"))["access_token"]
        calculated = await envoy.get(f"{clients.url}/pow?base=2&exp=5")
        active = await gateway.introspect_token(f"{clients.url}/introspect", token=token)
        revoked = await envoy.revoke_token(f"{clients.url}/revoke", token=token)
        rejected = await envoy.get(f"{clients.url}/pow?base=2&exp=5")
        inactive = await gateway.introspect_token(f"{clients.url}/introspect", token=token)

    assert (calculated.status_code, revoked.status_code, rejected.status_code) == (200, 200, 401)
    assert (active.json()["active"], active.json()["sub"]) == (True, "client:envoy")
    assert inactive.json() == {"active": False}


async def test_a_client_library_understands_the_errors(clients: Clients) -> None:
    async with clients.client("envoy") as client:
        with pytest.raises(OAuthError, match="invalid_scope"):
            await client.fetch_token(grant_type="client_credentials", scope="metrics")
    async with AsyncOAuth2Client("envoy", "wrong") as client:
        with pytest.raises(OAuthError, match="invalid_client"):
            await client.fetch_token(f"{clients.url}/token", grant_type="client_credentials")


async def test_a_client_library_fetches_a_new_token_for_an_expired_one(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    # Authlib replaces a token 60 s before its end, this one therefore with every request.
    clients = Clients(start_server, tmp_path, MATHOPS_TOKEN_LIFETIME_SECONDS="30")
    async with clients.client("envoy", grant_type="client_credentials") as client:
        first = (await client.fetch_token(grant_type="client_credentials"))["access_token"]
        response = await client.get(f"{clients.url}/pow?base=2&exp=5")

    assert response.status_code == 200
    assert client.token["access_token"] != first


async def test_changes_by_the_commands_count_without_a_restart(clients: Clients) -> None:
    server = clients.server

    def status(name: str, secret: str) -> int:
        form = {"grant_type": "client_credentials"}
        return server.client.post("/token", data=form, auth=(name, secret)).status_code

    assert status("envoy", clients.secrets["envoy"]) == 200
    added = server.run("clients", "add", "late").stdout.strip()
    assert server.run("clients", "remove", "envoy").returncode == 0

    # The two commands change the file one after the other: a reload may fall between them.
    assert eventually(lambda: status("late", added) == 200)
    assert eventually(lambda: status("envoy", clients.secrets["envoy"]) == 401)


async def test_a_client_library_authenticates_with_a_private_key(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    key = RSAKey.generate_key(2048)
    clients = Clients(start_server, tmp_path, key, MATHOPS_TOKEN_ISSUER="https://math.example.com")
    metadata = clients.server.client.get("/.well-known/oauth-authorization-server").json()
    method = PrivateKeyJWT(metadata["token_endpoint"])
    assert {method.name} < set(metadata["token_endpoint_auth_methods_supported"])
    assert {method.alg} < set(metadata["token_endpoint_auth_signing_alg_values_supported"])

    async with AsyncOAuth2Client("signer", key, token_endpoint_auth_method=method) as client:
        await client.fetch_token(f"{clients.url}/token", grant_type="client_credentials")
        response = await client.get(f"{clients.url}/pow?base=2&exp=5")

    assert response.json()["result"] == "32"
