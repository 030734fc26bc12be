"""Tokens of external issuers in requests."""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from tests.components.web.responses import assert_problem
from tests.conftest import World, world_factory
from tests.support.forgery import ABSENT, AMBIGUOUS, FOREIGN, HOSTILE, with_other_signature
from tests.support.oidc_issuer import DISCOVERY, JWKS, OidcIssuer, bearer
from tests.support.server import eventually

TARGET = "/fib?n=10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "issuers.json"


def accepting(make_world: Callable[..., World], path: Path, *entries: dict[str, Any], **options: Any) -> World:
    """A service that accepts tokens of issuers and has their keys."""
    path.write_text(json.dumps({"issuers": entries}))
    world = make_world(issuers_file=path, **options)
    eventually(lambda: world.issuers and world.issuers.state() == "ok")
    return world


@pytest.fixture
def make(make_world: Callable[..., World], path: Path) -> Callable[..., World]:
    return partial(accepting, make_world, path)


@pytest.fixture
def world(make: Callable[..., World], issuer: OidcIssuer) -> World:
    return make(issuer.entry())


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer().running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def shared_world(
    tmp_path_factory: pytest.TempPathFactory, keys_file: Path, shared_issuer: OidcIssuer
) -> Iterator[World]:
    """A service for tests that change neither it nor its issuer."""
    folder = tmp_path_factory.mktemp("world")
    with world_factory(folder, keys_file) as make_world:
        yield accepting(make_world, folder / "issuers.json", shared_issuer.entry())


def get(world: World, token: str, target: str = TARGET) -> Response:
    return world.client.get(target, headers=bearer(token))


def test_a_token_is_accepted_and_its_user_recorded(world: World, issuer: OidcIssuer) -> None:
    assert get(world, issuer.forge()).json()["result"] == "55"
    assert [record.user for record in world.journal.records] == [f"{issuer.url}#alice"]


def test_own_tokens_are_accepted_beside_them(world: World, issuer: OidcIssuer) -> None:
    assert [get(world, issuer.forge()).status_code, world.get(TARGET).status_code] == [200, 200]
    assert [record.user for record in world.journal.records] == [f"{issuer.url}#alice", "alice"]


@pytest.mark.parametrize(
    "header", [{"typ": "at+jwt"}, {"typ": "application/at+jwt"}, {"typ": ABSENT}, {"x5t": "AAAA"}, {"pi.atm": "1"}]
)
def test_usual_headers_are_accepted(shared_world: World, shared_issuer: OidcIssuer, header: dict[str, Any]) -> None:
    assert get(shared_world, shared_issuer.forge(header)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "mathops"]},
        {"jti": ABSENT},
        {"iat": ABSENT},
        {"nbf": 1},
        {"typ": "Bearer"},
        {"scope": ["mathops"]},
        {"azp": "client"},
        {"exp": 4_000_000_000.5},
        {"groups": ["x" * 30] * 200},
    ],
    # Processes that run tests in parallel need the same names.
    ids=" ".join,
)
def test_usual_claims_are_accepted(shared_world: World, shared_issuer: OidcIssuer, claims: dict[str, Any]) -> None:
    assert get(shared_world, shared_issuer.forge(**claims)).status_code == 200


@pytest.mark.parametrize("name", [*HOSTILE, *AMBIGUOUS])
def test_a_hostile_token_is_rejected_and_not_logged(shared_world: World, shared_issuer: OidcIssuer, name: str) -> None:
    token = {**HOSTILE, **AMBIGUOUS}[name](shared_issuer.forge)

    before = len(shared_world.journal.records)

    with capture_logs() as lines:
        response = get(shared_world, token)

    assert_problem(response, 401, "unauthorized")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert [(record.status, record.user) for record in shared_world.journal.records[before:]] == [(401, None)]
    assert all(part not in f"{lines}{response.text}" for part in token.split(".") if len(part) > 8)


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Offline"},
        {"nonce": "1"},
        {"at_hash": "x"},
        {"cnf": {"jkt": "x"}},
        {"exp": 10**30},
        {"exp": 1e300},
        {"iat": -(10**30)},
        {"sub": "x" * 250},
    ],
    ids=str,
)
def test_a_token_for_another_purpose_or_beyond_a_limit_is_rejected(
    shared_world: World, shared_issuer: OidcIssuer, claims: dict[str, Any]
) -> None:
    assert_problem(get(shared_world, shared_issuer.forge(**claims)), 401, "unauthorized")


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_no_address_in_a_token_is_fetched(world: World, issuer: OidcIssuer, member: str) -> None:
    with OidcIssuer().running() as other:
        other.publish(FOREIGN)
        address = f"{other.url}{JWKS}"

        responses = [
            get(world, issuer.forge({member: address, "kid": key_id}, FOREIGN))
            for key_id in (FOREIGN.kid, issuer.key.kid)
        ]
        responses.append(get(world, issuer.forge({member: address, "kid": address}, FOREIGN)))
        responses.append(get(world, other.forge()))

        assert [response.status_code for response in responses] == [401] * 4
        assert other.requests == []
    assert {requested for requested, _ in issuer.requests} == {DISCOVERY, JWKS}


def test_the_users_of_two_issuers_and_of_the_service_are_different(make: Callable[..., World]) -> None:
    with OidcIssuer().running() as one, OidcIssuer().running() as other:
        world = make(one.entry(), other.entry())
        for token in (one.forge(), other.forge(sub=f"{one.url}#alice"), other.forge()):
            assert get(world, token).status_code == 200
        world.get(TARGET)

        users = [record.user for record in world.journal.records]
        assert len(set(users)) == 4
        for token, user in ((one.forge(), users[0]), (other.forge(), users[2])):
            page = get(world, token, "/history").json()["records"]
            assert [record["user"] for record in page] == [user]


def test_a_key_of_one_issuer_signs_for_no_other(make: Callable[..., World]) -> None:
    with OidcIssuer().running() as one, OidcIssuer().running() as other:
        world = make(one.entry(), other.entry())

        assert get(world, one.forge(iss=other.url)).status_code == 401
        assert get(world, one.forge({"kid": other.key.kid}, iss=other.url)).status_code == 401


def test_quotas_count_by_issuer_and_subject(make: Callable[..., World], issuer: OidcIssuer) -> None:
    world = make(issuer.entry(), limits={"requests": 1}, quota_requests="1/minute")

    statuses = [get(world, issuer.forge(jti=str(number))).status_code for number in range(2)]

    assert statuses == [200, 429]
    assert world.get(TARGET).status_code == 200
    assert ("requests", f"{issuer.url}#alice") in world.rate_limiter.charged


@pytest.mark.parametrize(
    ("grant", "claims", "status"),
    [
        (("scope", "mathops"), {"scope": "other mathops"}, 200),
        (("scope", "mathops"), {"scope": "mathops.admin"}, 403),
        (("scp", "mathops"), {"scp": ["mathops"]}, 200),
        (("roles", "math"), {"roles": ["math"]}, 200),
        (("roles", "math"), {"roles": "math"}, 200),
        (("roles", "math"), {"roles": "other math"}, 403),
        (("roles", "math"), {"roles": [["math"], {"math": 1}, None]}, 403),
        (("roles", "math"), {"roles": {"math": True}}, 403),
        (("roles", "math"), {}, 403),
        ((["realm_access", "roles"], "math"), {"realm_access": {"roles": ["math"]}}, 200),
        ((["realm_access", "roles"], "math"), {"realm_access": ["roles", "math"]}, 403),
        ((["realm_access", "roles"], "math"), {"realm_access": {"roles": 5}}, 403),
        (("https://id.example/roles", "math"), {"https://id.example/roles": ["math"]}, 200),
        (("sub", "system:serviceaccount:a:b"), {"sub": "system:serviceaccount:a:b"}, 200),
        (("sub", "system:serviceaccount:a:b"), {"sub": "system:serviceaccount:a:c"}, 403),
    ],
)
def test_scopes_follow_from_claims(
    make: Callable[..., World], issuer: OidcIssuer, grant: tuple[Any, str], claims: dict[str, Any], status: int
) -> None:
    claim, value = grant
    world = make(issuer.entry(grants=[{"claim": claim, "value": value, "scopes": ["math:fib"]}]))
    token = issuer.forge(**{"scope": ABSENT, **claims})

    assert get(world, token).status_code == status
    assert get(world, token, "/fact?n=3").status_code == 403


@pytest.mark.parametrize(("claims", "status"), [({"azp": "a"}, 200), ({"client_id": "a"}, 200)])
@pytest.mark.parametrize("wrong", [False, True])
def test_only_accepted_clients_may_send_tokens(
    make: Callable[..., World], issuer: OidcIssuer, claims: dict[str, Any], status: int, wrong: bool
) -> None:
    world = make(issuer.entry(authorized_parties=["b"] if wrong else ["a", "b"]))

    assert get(world, issuer.forge(**claims)).status_code == (401 if wrong else status)
    for hostile in ({}, {"azp": ["a"]}, {"azp": None}, {"azp": "x", "client_id": "a"}):
        assert get(world, issuer.forge(**hostile)).status_code == 401


def test_id_tokens_are_accepted_only_if_configured(make: Callable[..., World], issuer: OidcIssuer) -> None:
    world = make(issuer.entry(id_tokens=True))

    assert get(world, issuer.forge(nonce="1", at_hash="x")).status_code == 200
    assert get(world, issuer.forge(typ="Refresh")).status_code == 401


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": "a@b.example", "email_verified": True}, 200),
        ({"email": "a@b.example", "email_verified": False}, 401),
        ({"email": "a@b.example", "email_verified": "true"}, 401),
        ({"email": "a@b.example"}, 401),
        ({"email_verified": True}, 401),
    ],
)
def test_an_email_address_names_a_user_only_if_it_is_verified(
    make: Callable[..., World], issuer: OidcIssuer, claims: dict[str, Any], status: int
) -> None:
    world = make(issuer.entry(user_claim="email"))

    assert get(world, issuer.forge(**claims)).status_code == status


def test_a_rotated_key_is_followed(world: World, issuer: OidcIssuer) -> None:
    older = issuer.forge()
    assert get(world, older).status_code == 200

    issuer.rotate()

    assert get(world, issuer.forge()).status_code == 200
    # The issuer has removed the older key.
    assert get(world, older).status_code == 401


def test_an_expired_token_of_a_removed_key_causes_no_fetch(world: World, issuer: OidcIssuer) -> None:
    fetches = len(issuer.requests)

    response = get(world, issuer.forge({"kid": FOREIGN.kid}, FOREIGN, exp=1))

    assert "expired" in assert_problem(response, 401, "unauthorized")["detail"]
    assert len(issuer.requests) == fetches


def test_a_key_that_is_replaced_under_its_id_is_followed_soon(world: World, issuer: OidcIssuer) -> None:
    older = issuer.forge()
    assert get(world, older).status_code == 200
    same_id: Any = {"kid": issuer.key.kid}
    replacement = ECKey.generate_key("P-256", same_id)

    issuer.publish(replacement)

    eventually(lambda: get(world, issuer.forge(signer=replacement)).status_code == 200, 5)
    assert get(world, older).status_code == 401


def test_an_unreachable_issuer_fails_nothing_that_can_be_verified(world: World, issuer: OidcIssuer) -> None:
    issuer.documents[DISCOVERY] = None

    assert get(world, issuer.forge(jti="2")).status_code == 200
    response = get(world, issuer.forge({"kid": FOREIGN.kid}, FOREIGN))
    problem = assert_problem(response, 503, "issuer-unavailable")
    assert "send the request again" in problem["detail"]
    assert response.headers["retry-after"] == "1"
    assert world.issuers
    assert world.issuers.state() == "unavailable"
    assert get(world, issuer.forge(jti="3")).status_code == 200
    assert world.get(TARGET).status_code == 200


def test_unverifiable_tokens_count_against_the_address(make: Callable[..., World], issuer: OidcIssuer) -> None:
    world = make(issuer.entry(), limits={"unauthenticated": 1})
    issuer.documents[DISCOVERY] = None
    token = issuer.forge({"kid": FOREIGN.kid}, FOREIGN)

    assert [get(world, token).status_code for _ in range(2)] == [503, 429]
    assert [record.status for record in world.journal.records] == [503]


@pytest.mark.parametrize("token_id", ["1", ABSENT])
def test_a_token_can_be_revoked(world: World, issuer: OidcIssuer, token_id: Any) -> None:
    token, other = issuer.forge(jti=token_id), issuer.forge(jti=token_id, sub="bob")

    assert world.client.post("/logout", headers=bearer(token)).status_code == 204

    assert "revoked" in get(world, token).json()["detail"]
    # ECDSA has two signatures for each token.
    assert "revoked" in get(world, with_other_signature(token)).json()["detail"]
    assert get(world, other).status_code == (200 if token_id is ABSENT else 401)


def test_a_token_id_of_one_issuer_revokes_no_token_of_another(make: Callable[..., World]) -> None:
    with OidcIssuer().running() as one, OidcIssuer().running() as other:
        world = make(one.entry(), other.entry())
        world.client.post("/logout", headers=bearer(one.forge()))

        assert [get(world, one.forge()).status_code, get(world, other.forge()).status_code] == [401, 200]


def test_a_cached_token_ends_with_its_expiry(make: Callable[..., World], issuer: OidcIssuer) -> None:
    world = make(issuer.entry(), token_leeway_seconds=0)
    token = issuer.forge(exp=time.time() + 1.5)
    assert get(world, token).status_code == 200

    eventually(lambda: get(world, token).status_code == 401, 5)
    assert "expired" in get(world, token).json()["detail"]


def test_a_changed_file_counts_without_a_restart(world: World, issuer: OidcIssuer, path: Path) -> None:
    token = issuer.forge()
    assert get(world, token).status_code == 200
    issuers: Any = world.issuers
    issuers._file._reload_seconds = 0

    async def reload() -> None:
        issuers.refresh()

    assert world.client.portal
    path.write_text("{")
    world.client.portal.call(reload)
    assert (get(world, token).status_code, issuers.state()) == (200, "invalid")
    path.write_text(json.dumps({"issuers": [issuer.entry(audience="other")]}))
    world.client.portal.call(reload)
    assert "audience" in get(world, token).json()["detail"]
    assert get(world, issuer.forge(aud="other")).status_code == 200
    requests = len(issuer.requests)
    with OidcIssuer().running() as added:
        path.write_text(json.dumps({"issuers": [issuer.entry(audience="other"), added.entry()]}))
        world.client.portal.call(reload)
        assert get(world, added.forge()).status_code == 200
        # An unchanged issuer keeps its keys.
        assert get(world, issuer.forge(aud="other")).status_code == 200
        assert len(issuer.requests) == requests
        path.write_text(json.dumps({"issuers": [added.entry()]}))
        world.client.portal.call(reload)
        assert get(world, issuer.forge(aud="other")).status_code == 401


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("Ed25519", "Ed25519"), ("EdDSA", "Ed25519"), ("RS256", 2048), ("PS512", 2048), ("ES384", "P-384")],
)
def test_other_algorithms_are_accepted_if_configured(
    make: Callable[..., World], issuer: OidcIssuer, algorithm: str, key: Any
) -> None:
    kind: Any = {"E": ECKey, "R": RSAKey, "P": RSAKey}[algorithm[0]] if key != "Ed25519" else OKPKey
    signer = kind.generate_key(key, auto_kid=True)
    issuer.documents[JWKS] = {"keys": [signer.as_dict(private=False)]}
    world = make(issuer.entry(algorithms=[algorithm]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = jwt.encode({"alg": algorithm, "kid": signer.kid}, issuer.forge.claims, signer, algorithms=[algorithm])

    assert get(world, token).status_code == 200
    assert get(world, issuer.forge({"alg": "ES256", "kid": signer.kid})).status_code == 401
