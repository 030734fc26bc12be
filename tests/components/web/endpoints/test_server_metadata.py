"""Authorization server metadata, validated by Authlib."""

from collections.abc import Callable
from pathlib import Path

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from mathops.operations import OPERATIONS
from mathops.web.routes import routes
from tests.components.web.oauth import post_form
from tests.components.web.openapi import resolve, validate
from tests.components.web.responses import assert_problem
from tests.conftest import World

ISSUER = "https://math.example.com"
PATH = get_well_known_url(ISSUER)
MakeWorld = Callable[..., World]


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/", f"{ISSUER}:8443", "https://example.com/math"])
def test_the_metadata_is_valid_and_names_paths_of_the_service(
    make_world: MakeWorld, clients_file: Path, issuer: str
) -> None:
    world = make_world(clients_file=clients_file, token_issuer=issuer)

    response = world.client.get(PATH)

    assert response.headers["cache-control"] == "public, max-age=300"
    metadata = AuthorizationServerMetadata(response.json())
    metadata.validate()
    assert metadata["issuer"] == issuer
    urls = {name: value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri", "_documentation"))}
    prefix = issuer.rstrip("/")
    assert {name: url.removeprefix(prefix) for name, url in urls.items()} == {
        "token_endpoint": "/token",
        "revocation_endpoint": "/revoke",
        "introspection_endpoint": "/introspect",
        "jwks_uri": "/.well-known/jwks.json",
        "service_documentation": "/docs",
    }


def test_the_metadata_lists_what_the_service_accepts(make_world: MakeWorld, clients_file: Path) -> None:
    world = make_world(clients_file=clients_file, token_issuer=ISSUER)
    metadata = world.client.get(PATH).json()

    assert {scope for endpoint in routes(OPERATIONS) for scope in endpoint.scopes} <= set(metadata["scopes_supported"])
    assert metadata["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ]
    (grant,) = metadata["grant_types_supported"]
    form = f"grant_type={grant}&scope=math"
    basic = world.client.post("/token", data={"grant_type": grant, "scope": "math"}, auth=("envoy", "s:cret"))
    posted = post_form(world, "/token", form + "&client_id=envoy&client_secret=s%3Acret")
    assert (basic.status_code, posted.status_code) == (200, 200)
    assert world.tokens.verify(posted.json()["access_token"]).user == "client:envoy"


def test_the_metadata_is_described(make_world: MakeWorld, clients_file: Path) -> None:
    world = make_world(clients_file=clients_file, token_issuer=ISSUER)
    document = world.client.get("/openapi.json").json()
    described = resolve(document, document["paths"][PATH]["get"]["responses"]["200"])

    metadata = world.client.get(PATH).json()

    validate(document, described["content"]["application/json"]["schema"], metadata)


@pytest.mark.parametrize(
    "issuer",
    [
        "mathops",
        "http://math.example.com",
        "https://",
        "https://math.example.com?tenant=1",
        "https://math.example.com#top",
        "https://[::1",
    ],
)
def test_without_an_https_url_as_issuer_there_is_no_metadata(
    make_world: MakeWorld, clients_file: Path, issuer: str
) -> None:
    problem = assert_problem(
        make_world(clients_file=clients_file, token_issuer=issuer).client.get(PATH), 404, "not-found"
    )

    assert "set MATHOPS_TOKEN_ISSUER to one" in problem["detail"]


def test_without_clients_there_is_no_metadata(make_world: MakeWorld) -> None:
    problem = assert_problem(make_world(token_issuer=ISSUER).client.get(PATH), 404, "not-found")

    assert problem["detail"] == "OAuth clients are off; set MATHOPS_CLIENTS_FILE"
