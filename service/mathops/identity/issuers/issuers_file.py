"""The file of external issuers: whose tokens are accepted, and what they permit."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Meta, Struct, UnsetType

from mathops.errors import StartupError
from mathops.identity.issuers import strict_json
from mathops.identity.scopes import SCOPES

KIND = "issuers"
# Asymmetric ones only: with HS256 the public key would be the secret.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
# The journal stores 255 characters of issuer and subject.
_Url = Annotated[str, Meta(min_length=1, max_length=128)]
_Text = Annotated[str, Meta(min_length=1)]
_Scope = Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]
_ClaimPath = _Text | Annotated[tuple[_Text, ...], Meta(min_length=1)]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Grant(Struct, frozen=True, forbid_unknown_fields=True):
    """Scopes of tokens in which a claim is, or contains, a value."""

    claim: Annotated[_ClaimPath, Meta(description="name of the claim, or names from the outside in")]
    value: Annotated[str, Meta(description="a scope, role, group or other text")]
    scopes: Annotated[tuple[_Scope, ...], Meta(min_length=1, description="scopes of this service")]

    def __post_init__(self) -> None:
        if unknown := set(self.scopes).difference(SCOPES):
            raise ValueError(f"unknown scope {min(unknown)}; the scopes are {' '.join(SCOPES)}")

    @property
    def path(self) -> tuple[str, ...]:
        return (self.claim,) if isinstance(self.claim, str) else self.claim


class Issuer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An issuer whose tokens are accepted."""

    url: Annotated[_Url, Meta(description="exactly as in the claim iss")]
    audience: Annotated[_Text, Meta(description="must be in the claim aud")]
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1, description="allowed algorithms of signatures")] = (
        "RS256",
        "PS256",
        "ES256",
    )
    user_claim: Annotated[_Text, Meta(description="the claim that names the user")] = "sub"
    grants: Annotated[tuple[Grant, ...], Meta(min_length=1, description="scopes by claims of the token")]
    authorized_parties: Annotated[
        tuple[_Text, ...], Meta(description="clients that may send tokens: claim azp, or client_id; empty: all")
    ] = ()
    id_tokens: Annotated[bool, Meta(description="whether ID tokens are accepted too")] = False
    jwks_url: Annotated[
        _Text | UnsetType, Meta(description="URL of the JWK Set; absent: found by OpenID Connect Discovery")
    ] = msgspec.UNSET
    ca_file: Annotated[
        _Text | UnsetType,
        Meta(description="PEM file of the authorities that issue its certificate; absent: the system's"),
    ] = msgspec.UNSET
    token_file: Annotated[
        _Text | UnsetType, Meta(description="file of a bearer token that is sent when the keys are fetched")
    ] = msgspec.UNSET
    insecure_http: Annotated[bool, Meta(description="whether keys may be fetched without TLS")] = False

    def __post_init__(self) -> None:
        for url in (self.url, self.jwks_url):
            if url and not is_url(url):
                raise ValueError("url and jwks_url are https URLs without user, query and fragment")
        fetched = urlsplit(self.jwks_url or self.url)
        if fetched.scheme == "http" and not (self.insecure_http or fetched.hostname in _LOOPBACK):
            raise ValueError("keys are fetched by https; insecure_http: true permits http")
        if fetched.scheme == "http" and self.token_file:
            raise ValueError("token_file is sent by https only")


class IssuersFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The document in the file."""

    issuers: Annotated[tuple[Issuer, ...], Meta(min_length=1)]


def is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or "?" in text or "#" in text or port == 0)
    return (
        parts.scheme in ("https", "http") and bool(parts.hostname) and plain and text.isprintable() and " " not in text
    )


def read(path: Path, own_issuer: str) -> dict[str, Issuer]:
    """The issuers by URL; raises StartupError."""
    try:
        found = msgspec.convert(_document(path.read_text(encoding="utf-8")), IssuersFile).issuers
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"issuers file {path} cannot be read: {error}") from None
    except (msgspec.MsgspecError, yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise StartupError(f"issuers file {path} is invalid: {' '.join(str(error).split())}") from None
    issuers = {issuer.url: issuer for issuer in found}
    if len(issuers) != len(found):
        raise StartupError(f"issuers file {path} is invalid: each url once")
    if own_issuer in issuers:
        raise StartupError(f"issuers file {path} is invalid: {own_issuer} is MATHOPS_TOKEN_ISSUER of this service")
    return issuers


class _Loader(yaml.SafeLoader):
    """Rejects duplicate keys, of which PyYAML would use the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        keys = [(self.construct_object(key, deep=True), None) for key, _ in node.value]
        strict_json.without_duplicates(keys)
        return super().construct_mapping(node, deep=deep)


def _document(text: str) -> Any:
    # YAML rejects tabs, with which JSON may be indented.
    if text.lstrip().startswith("{"):
        return strict_json.loads(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
