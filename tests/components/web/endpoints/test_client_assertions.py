"""Clients that authenticate by a signed assertion (private_key_jwt), and hostile assertions."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from mathops.identity import assertions
from mathops.identity.client_keys import credential
from mathops.identity.clients_file import add_key
from mathops.identity.oauth_documents import ASSERTION_TYPE
from tests.components.web.oauth import assert_error, write_clients
from tests.components.web.responses import assert_problem
from tests.conftest import World

ISSUER = "https://math.example.com"
KEY, OTHER, RSA = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    path = write_clients(tmp_path / "clients", secretive="math")
    keys: dict[str, ECKey | RSAKey] = {"envoy": KEY, "other": OTHER, "rsa": RSA}
    for name, key in keys.items():
        add_key(path, name, ["math", "introspect"], credential(key.as_pem(private=False).decode()))
    return path


@pytest.fixture
def world(make_world: Callable[..., World], clients_file: Path) -> World:
    return make_world(clients_file=clients_file, token_issuer=ISSUER)


def now() -> int:
    return int(time.time())


def claims(**changes: Any) -> dict[str, Any]:
    """Valid claims of envoy with changes; None removes a claim."""
    valid = {"iss": "envoy", "sub": "envoy", "aud": f"{ISSUER}/token", "iat": now(), "exp": now() + 60, "jti": "1"}
    return {name: value for name, value in {**valid, **changes}.items() if value is not None}


def sign(key: Any = KEY, algorithm: str = "ES256", **changes: Any) -> str:
    return jwt.encode({"alg": algorithm}, claims(**changes), key, algorithms=[algorithm])


def forge(header: Any, payload: Any = None, signature: bytes = b"x" * 64) -> str:
    """An assertion with any header and payload, and that signature."""
    parts = (json.dumps(header).encode(), payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, signature))


def send(world: World, assertion: str, path: str = "/token", **form: str) -> Response:
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    return world.client.post(path, data={**fields, "client_assertion": assertion, **form})


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/token", [ISSUER]])
def test_an_assertion_is_exchanged_for_a_token(world: World, audience: Any) -> None:
    response = send(world, sign(aud=audience), client_id="envoy")

    assert response.status_code == 200
    assert world.tokens.verify(response.json()["access_token"]).user == "client:envoy"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_an_rsa_key_signs_with_both_paddings(world: World, algorithm: str) -> None:
    assert send(world, sign(RSA, algorithm, iss="rsa", sub="rsa")).status_code == 200


def test_revocation_and_introspection_accept_assertions(world: World) -> None:
    token = send(world, sign()).json()["access_token"]

    active = send(world, sign(jti="2"), "/introspect", token=token).json()["active"]
    revoked = send(world, sign(jti="3"), "/revoke", token=token).status_code
    inactive = send(world, sign(jti="4"), "/introspect", token=token).json()["active"]

    assert (active, revoked, inactive) == (True, 200, False)


def test_an_assertion_is_accepted_once(world: World) -> None:
    first, second = sign(), sign(jti="2")

    assert [send(world, assertion).status_code for assertion in (first, first, second)] == [200, 401, 200]
    # The ids of another client are its own.
    assert send(world, sign(OTHER, iss="other", sub="other")).status_code == 200


def test_remembered_assertions_are_bounded_and_expire(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assertions, "MAX_ASSERTIONS", 2)
    clock = [time.time()]
    clients: Any = world.resources.clients
    clients._assertions = assertions.Assertions(0, lambda: clock[0])

    def exchange(number: int) -> int:
        return send(world, sign(iat=None, exp=int(clock[0]) + 60, jti=str(number))).status_code

    statuses = [exchange(number) for number in range(3)]
    clock[0] += 61
    later = exchange(4)

    assert (statuses, later) == ([200, 200, 401], 200)
    assert list(clients._assertions._used["envoy"]) == ["4"]


HOSTILE: dict[str, Callable[[], str]] = {
    "empty": lambda: "x",
    "two parts": lambda: "a.b",
    "five parts": lambda: "a.b.c.d.e",
    "no base64": lambda: "\u00e9.\u00e9.\u00e9",
    "null bytes": lambda: "\x00.\x00.\x00",
    "too long": lambda: sign(jti="x" * 9000),
    "without a signature": lambda: sign().rpartition(".")[0] + ".",
    "tampered": lambda: sign().replace(".", ".e", 1),
    "signed by another key": lambda: sign(OTHER),
    "of another client": lambda: sign(iss="other", sub="other"),
    "of an unknown client": lambda: sign(iss="mallory", sub="mallory"),
    "of a client with a secret": lambda: sign(iss="secretive", sub="secretive"),
    "algorithm none": lambda: forge({"alg": "none"}, claims(), b""),
    "no algorithm": lambda: forge({}, claims()),
    "algorithm list": lambda: forge({"alg": ["ES256"]}, claims()),
    "algorithm object": lambda: forge({"alg": {}}, claims()),
    "algorithm number": lambda: forge({"alg": 1}, claims()),
    "algorithm null": lambda: forge({"alg": None}, claims()),
    "algorithm of another key": lambda: forge({"alg": "RS256"}, claims()),
    "algorithm not listed": lambda: sign(RSA, "RS512", iss="rsa", sub="rsa"),
    "public key as the secret": lambda: sign(
        OctKey.import_key(KEY.as_pem(private=False).decode().replace("-", "")), "HS256"
    ),
    "header list": lambda: forge([], claims()),
    "header text": lambda: forge("ES256", claims()),
    "header null": lambda: forge(None, claims()),
    "critical number": lambda: forge({"alg": "ES256", "crit": 1}, claims()),
    "critical text": lambda: forge({"alg": "ES256", "crit": "exp"}, claims()),
    "critical null": lambda: forge({"alg": "ES256", "crit": None}, claims()),
    "critical unknown": lambda: forge({"alg": "ES256", "crit": ["x"], "x": 1}, claims()),
    "critical numbers": lambda: forge({"alg": "ES256", "crit": [1]}, claims()),
    "unencoded payload": lambda: forge({"alg": "ES256", "b64": False, "crit": ["b64"]}, claims()),
    "compressed": lambda: forge({"alg": "ES256", "zip": "DEF"}, claims()),
    "key id list": lambda: forge({"alg": "ES256", "kid": [1]}, claims()),
    "embedded key": lambda: jwt.encode({"alg": "ES256", "jwk": OTHER.as_dict(private=False)}, claims(), OTHER),
    "key address": lambda: forge({"alg": "ES256", "jku": "http://localhost/"}, claims()),
    "payload list": lambda: forge({"alg": "ES256"}, []),
    "payload null": lambda: forge({"alg": "ES256"}, None),
    "payload not JSON": lambda: forge({"alg": "ES256"}, b"\xff"),
    "nested payload": lambda: forge({"alg": "ES256"}, b"[" * 5000),
    "no subject": lambda: sign(sub=None),
    "subject number": lambda: sign(sub=1),
    "subject list": lambda: sign(sub=["envoy"]),
    "subject with a colon": lambda: sign(sub="client:envoy", iss="client:envoy"),
    "no issuer": lambda: sign(iss=None),
    "another issuer": lambda: sign(iss="other"),
    "issuer list": lambda: sign(iss=["envoy"]),
    "no audience": lambda: sign(aud=None),
    "another audience": lambda: sign(aud="https://other.example.com/token"),
    "a second audience": lambda: sign(aud=[ISSUER, "https://other.example.com/token"]),
    "no audiences": lambda: sign(aud=[]),
    "nested audience": lambda: sign(aud=[[ISSUER]]),
    "audience object": lambda: sign(aud={ISSUER: 1}),
    "audience of the host header": lambda: sign(aud="http://testserver/token"),
    "no expiry": lambda: sign(exp=None),
    "expired": lambda: sign(exp=now() - 60),
    "expiry text": lambda: sign(exp=str(now() + 60)),
    "expiry true": lambda: sign(exp=True),
    "expiry NaN": lambda: sign(exp=float("nan")),
    "expiry infinite": lambda: sign(exp=float("inf")),
    "expiry list": lambda: sign(exp=[now() + 60]),
    "valid too long": lambda: sign(exp=now() + 4000),
    "not valid yet": lambda: sign(nbf=now() + 60),
    "start text": lambda: sign(nbf="now"),
    "issued in the future": lambda: sign(iat=now() + 60),
    "issue list": lambda: sign(iat=[]),
    "no id": lambda: sign(jti=None),
    "empty id": lambda: sign(jti=""),
    "long id": lambda: sign(jti="x" * 129),
    "id list": lambda: sign(jti=["1"]),
    "id number": lambda: sign(jti=1),
}


@pytest.mark.parametrize("assertion", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_assertion_is_an_invalid_client(world: World, assertion: Callable[[], str]) -> None:
    response = send(world, assertion())

    assert_error(response, 401, "invalid_client")
    assert response.json()["error_description"] == "unknown client or wrong credentials"
    # A rejected assertion uses up no id.
    assert send(world, sign()).status_code == 200


def test_an_access_token_of_the_service_is_no_assertion(world: World) -> None:
    token = send(world, sign()).json()["access_token"]

    assert_error(send(world, token), 401, "invalid_client")


@pytest.mark.parametrize("kind", ["", "jwt", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_another_type_of_assertion_is_rejected(world: World, kind: str) -> None:
    assert_error(send(world, sign(), client_assertion_type=kind), 401, "invalid_client")


def test_a_client_authenticates_by_one_method_and_one_name(world: World) -> None:
    assert_error(send(world, sign(), client_secret="x"), 400, "invalid_request")
    basic = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": sign()}
    assert_error(world.client.post("/token", data=basic, auth=("secretive", "s:cret")), 400, "invalid_request")
    assert_error(send(world, sign(), client_id="other"), 401, "invalid_client")


@pytest.mark.parametrize("secret", ["", "x", "key=", KEY.as_pem(private=False).decode()])
def test_a_client_with_a_key_has_no_secret(world: World, secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "envoy", "client_secret": secret}

    assert_error(world.client.post("/token", data=form), 401, "invalid_client")


def test_rejected_assertions_count_against_the_quota(make_world: Callable[..., World], clients_file: Path) -> None:
    world = make_world(limits={"login": 2}, clients_file=clients_file, token_issuer=ISSUER)

    accepted = [send(world, sign(jti=str(number))).status_code for number in range(4)]
    rejected = [send(world, sign(OTHER, jti=str(number))).status_code for number in range(3)]

    assert (accepted, rejected) == ([200] * 4, [401, 401, 429])


def test_without_an_https_issuer_the_audience_is_its_name(make_world: Callable[..., World], clients_file: Path) -> None:
    world = make_world(clients_file=clients_file)

    assert send(world, sign(aud="mathops")).status_code == 200
    for audience in ("http://testserver/token", "mathops/token"):
        assert_error(send(world, sign(jti="2", aud=audience)), 401, "invalid_client")


def test_a_file_of_keys_only_rejects_secrets(make_world: Callable[..., World], tmp_path: Path) -> None:
    path = tmp_path / "keys-only"
    add_key(path, "envoy", ["math"], credential(KEY.as_pem(private=False).decode()))
    world = make_world(clients_file=path)

    for name in ("envoy", "mallory"):
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": "x"}
        assert_error(world.client.post("/token", data=form), 401, "invalid_client")
    assert send(world, sign(aud="mathops")).status_code == 200
    assert_problem(world.client.get("/history"), 401, "unauthorized")
