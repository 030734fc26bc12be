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
LOOPBACK = ("localhost", "127.0.0.1", "::1")


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


class SignIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The OAuth client by which people sign in to the console."""

    id: Annotated[
        str,
        # Python's $ matches before a final newline too.
        Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$(?!\n)", description="last part of the redirect URI, /callback/ID"),
    ]
    label: Annotated[str, Meta(min_length=1, max_length=64, description="name of the issuer on the button")]
    client_id: Annotated[_Text, Meta(description="the client's name at the issuer")]
    client_secret_file: Annotated[
        _Text | UnsetType, Meta(description="file of the client's secret; absent: a public client")
    ] = msgspec.UNSET
    scopes: Annotated[tuple[_Text, ...], Meta(description="scopes requested beside openid")] = ()
    authorization_url: Annotated[
        _Text | UnsetType, Meta(description="page for signing in; absent: found by Discovery")
    ] = msgspec.UNSET
    token_url: Annotated[
        _Text | UnsetType, Meta(description="URL that exchanges codes for tokens; absent: found by Discovery")
    ] = msgspec.UNSET
    end_session_url: Annotated[
        _Text | UnsetType, Meta(description="page for signing out; absent: found by Discovery")
    ] = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.token_url and not is_url(self.token_url):
            raise ValueError("token_url is an https URL without user, query and fragment")
        for url in (self.authorization_url, self.end_session_url):
            if url and not is_browser_url(url):
                raise ValueError("authorization_url and end_session_url are https URLs without user and fragment")


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
    insecure_http: Annotated[bool, Meta(description="whether keys and tokens may be fetched without TLS")] = False
    sign_in: Annotated[
        SignIn | UnsetType, Meta(description="the client by which people sign in to the console; absent: none")
    ] = msgspec.UNSET

    def __post_init__(self) -> None:
        for url in (self.url, self.jwks_url):
            if url and not is_url(url):
                raise ValueError("url and jwks_url are https URLs without user, query and fragment")
        if self._unencrypted(self.jwks_url or self.url):
            raise ValueError("keys are fetched by https; insecure_http: true permits http")
        if self.sign_in and self._unencrypted(self.sign_in.token_url or self.url):
            raise ValueError("tokens are fetched by https; insecure_http: true permits http")
        if urlsplit(self.jwks_url or self.url).scheme == "http" and self.token_file:
            raise ValueError("token_file is sent by https only")

    def _unencrypted(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "http" and not (self.insecure_http or parts.hostname in LOOPBACK)


class IssuersFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The document in the file."""

    issuers: Annotated[tuple[Issuer, ...], Meta(min_length=1)]


def is_browser_url(text: str) -> bool:
    """Unlike other endpoints, pages may have a query (RFC 6749, 3.1)."""
    return is_url(text.partition("?")[0]) and "#" not in text and text.isprintable() and " " not in text


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
    names = [issuer.sign_in.id for issuer in found if issuer.sign_in]
    if len(set(names)) != len(names):
        raise StartupError(f"issuers file {path} is invalid: each id of sign_in once")
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
