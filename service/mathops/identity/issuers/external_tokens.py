"""Tokens of one external issuer. The signature of a token is verified once; the result is cached until it expires."""

import time
import warnings
from typing import Any

from cachetools import LRUCache
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jws import JWSRegistry

from mathops.identity.issuers.external_claims import check_claims, check_id_token, principal, rejected
from mathops.identity.issuers.issuers_file import Issuer
from mathops.identity.issuers.key_cache import KeyCache
from mathops.identity.issuers.public_keys import PublicKey
from mathops.identity.issuers.unverified_token import parse
from mathops.identity.tokens import Principal

CACHED_TOKENS = 4000
_MAX_HEADER_BYTES = 8192


class ExternalTokens:
    """Verifies tokens of `issuer`."""

    def __init__(self, issuer: Issuer, keys: KeyCache, leeway: float) -> None:
        self.issuer = issuer
        self.keys = keys
        self._leeway = leeway
        self._verified: LRUCache[str, Principal] = LRUCache(CACHED_TOKENS)
        self._generation = keys.generation
        # Unknown header members are ignored (RFC 7515, 4).
        self._registry = JWSRegistry(algorithms=issuer.algorithms, strict_check_header=False)
        self._registry.max_header_length = _MAX_HEADER_BYTES

    async def verify(self, token: str) -> Principal:
        """Raises Unauthorized or IssuerUnavailable."""
        if self._generation != self.keys.generation:
            self._verified.clear()
            self._generation = self.keys.generation
        found = self._verified.get(token)
        if found is None:
            found = self._verified[token] = await self._verify(token)
        if found.expires + self._leeway <= time.time():
            raise rejected("the token has expired")
        return found

    async def verify_id_token(self, token: str, client_id: str, nonce: str) -> Principal:
        """Of a client of this service; raises Unauthorized or IssuerUnavailable."""
        parsed = parse(token)
        if parsed is None:
            raise rejected("it is no signed JWT")
        check_id_token(self.issuer, parsed, client_id, nonce, now=time.time(), leeway=self._leeway)
        await self._check_signature(token, parsed.header)
        return principal(self.issuer, parsed.claims, token)

    async def _verify(self, token: str) -> Principal:
        parsed = parse(token)
        # Its claim iss selected this issuer.
        assert parsed is not None
        # Before its signature, because the key of an expired token may be gone, and a fetch would not find it.
        check_claims(self.issuer, parsed, time.time(), self._leeway)
        await self._check_signature(token, parsed.header)
        return principal(self.issuer, parsed.claims, token)

    async def _check_signature(self, token: str, header: dict[str, Any]) -> None:
        key_id, algorithm = (header.get(name) for name in ("kid", "alg"))
        # No extension of RFC 7515, 4.1.11 is understood.
        if algorithm not in self.issuer.algorithms or "crit" in header:
            raise rejected("the algorithm or an extension of the token is not allowed")
        if not isinstance(key_id, str):
            raise rejected("the token names no key (kid)")
        key = self.keys.find(key_id, algorithm) or await self.keys.find_after_fetch(key_id, algorithm)
        if key is None:
            raise rejected("the token is signed by an unknown key")
        if not self._signed(token, key):
            self.keys.request_fetch()
            raise rejected("the token is signed by an unknown key, or was changed")

    def _signed(self, token: str, key: PublicKey) -> bool:
        try:
            with warnings.catch_warnings():
                # The name EdDSA is deprecated (RFC 9864), and issuers use it.
                warnings.simplefilter("ignore", SecurityWarning)
                jws.deserialize_compact(token, key, registry=self._registry)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return False
        return True
