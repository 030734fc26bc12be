"""A service with an issuer for signing in, and its visitors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from tests.conftest import World
from tests.support.server import eventually
from tests.support.sign_in_issuer import SignInIssuer, issuers_file

ADDRESS = "https://mathops.example"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def issuer() -> Iterator[SignInIssuer]:
    with SignInIssuer().running() as served:
        yield served


@pytest.fixture
def make(make_world: Callable[..., World], tmp_path: Path) -> Callable[..., World]:
    def made(*entries: dict[str, Any], **options: Any) -> World:
        world = make_world(issuers_file=issuers_file(tmp_path, *entries), **options)
        world.client.base_url = ADDRESS
        world.client.follow_redirects = False
        # Further ones may not exist.
        eventually(lambda: world.issuers and world.issuers._external[entries[0]["url"]].keys.available)
        return world

    return made


@pytest.fixture
def world(make: Callable[..., World], issuer: SignInIssuer) -> World:
    return make(issuer.entry())


def change_issuers(world: World, *entries: dict[str, Any]) -> None:
    """Replace the issuers file; the service reads it before its next request."""
    assert world.issuers
    assert world.settings.issuers_file
    issuers_file(world.settings.issuers_file.parent, *entries)
    world.issuers._file._checked_at = 0
    assert world.client.portal
    world.client.portal.call(world.issuers.refresh)


class Visitor:
    """A browser: it keeps cookies."""

    def __init__(self, world: World, issuer: SignInIssuer) -> None:
        self.client = world.client
        self.issuer = issuer

    def start(self, name: str = "test", **query: str) -> Response:
        return self.client.get(f"/sign-in/{name}", params=query)

    def respond(self, **changes: Any) -> str:
        """Start a sign-in; returns the redirect of the issuer."""
        response = self.start()
        assert response.status_code == 303, response.text
        return self.issuer.respond(response.headers["location"], **changes)

    def sign_in(self, **changes: Any) -> Response:
        return self.client.get(self.respond(**changes))

    def get(self, path: str, **headers: str) -> Response:
        """As a page of the service does."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={**SAME_ORIGIN, **named})

    def session(self) -> dict[str, Any]:
        return self.get("/session").json()

    def sign_out(self) -> Response:
        return self.client.post("/sign-out", headers=SAME_ORIGIN)


@pytest.fixture
def visitor(world: World, issuer: SignInIssuer) -> Visitor:
    return Visitor(world, issuer)
