"""Requests and responses of OAuth clients."""

from pathlib import Path

from argon2 import PasswordHasher
from httpx2 import Response

from tests.conftest import World

FORM_TYPE = "application/x-www-form-urlencoded"


def write_clients(path: Path, **scopes: str) -> Path:
    """A clients file in which each client has the secret `s:cret`."""
    secret = PasswordHasher(1, 64, 1).hash("s:cret")
    path.write_text("".join(f"{name}:{secret}:{allowed}\n" for name, allowed in scopes.items()))
    return path


def post_form(world: World, path: str, content: str | bytes, **headers: str) -> Response:
    return world.client.post(path, content=content, headers={"Content-Type": FORM_TYPE, **headers})


def assert_error(response: Response, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert set(response.json()) == {"error", "error_description"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers.get("www-authenticate", "").startswith("Basic") == (status == 401)
