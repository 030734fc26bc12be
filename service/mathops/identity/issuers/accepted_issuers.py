"""The issuers whose tokens are accepted: those of a file, and this service itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache

from mathops.identity.issuers.external_tokens import CACHED_TOKENS, ExternalTokens
from mathops.identity.issuers.issuers_file import KIND, Issuer, read
from mathops.identity.issuers.key_cache import MIN_INTERVAL_SECONDS, KeyCache
from mathops.identity.issuers.unverified_token import claimed_issuer
from mathops.identity.reloaded_file import ReloadedFile
from mathops.identity.tokens import Principal, Tokens
from mathops.settings import Settings

if TYPE_CHECKING:
    from mathops.identity.issuers.sign_in_client import SignInClient


class AcceptedIssuers:
    """Verifies tokens of the issuers in the file at `path`, and those of `own`; raises StartupError."""

    def __init__(self, path: Path, own: Tokens, settings: Settings, interval: float = MIN_INTERVAL_SECONDS) -> None:
        self._own = own
        self._leeway = settings.token_leeway_seconds
        # Importing httpx2 takes 20 to 40 ms.
        from mathops.identity.issuers.discovery import fetch_keys

        self._fetch = fetch_keys
        self._interval = interval
        self._file = ReloadedFile(KIND, path, partial(read, own_issuer=settings.token_issuer))
        self._generation = 0
        self._external: dict[str, ExternalTokens] = {}
        # By their ids.
        self.sign_in_clients: dict[str, SignInClient] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Of verified tokens only, so that rejected ones take no memory.
        self._verifiers: LRUCache[str, Tokens | ExternalTokens] = LRUCache(CACHED_TOKENS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AcceptedIssuers"]:
        """Fetch keys in the background."""
        self.refresh()
        try:
            yield self
        finally:
            for url in list(self._external):
                self._remove(url)

    async def verify(self, token: str) -> Principal:
        """Raises Unauthorized or IssuerUnavailable."""
        verifier = self._verifiers.get(token)
        if verifier is None:
            verifier = self._external.get(claimed_issuer(token) or "", self._own)
        generation = self._generation
        principal = verifier.verify(token) if isinstance(verifier, Tokens) else await verifier.verify(token)
        # A file that has changed meanwhile may not accept the issuer any more.
        if generation == self._generation:
            self._verifiers[token] = verifier
        return principal

    def refresh(self) -> None:
        """Read the file again if it has changed; unchanged issuers keep their keys."""
        self._file.refresh()
        if self._generation == self._file.generation:
            return
        self._generation = self._file.generation
        self._verifiers.clear()
        wanted = self._file.content
        for url, external in list(self._external.items()):
            if wanted.get(url) != external.issuer:
                self._remove(url)
        for url, issuer in wanted.items():
            if url not in self._external:
                self._add(issuer)

    def sign_in_client_of(self, user: str) -> "SignInClient | None":
        """The client by which the user has signed in."""
        external = self._external.get(user.partition("#")[0])
        settings = external.issuer.sign_in if external else None
        return self.sign_in_clients.get(settings.id) if settings else None

    def state(self) -> str:
        """`ok`, `invalid` (the file) or `unavailable` (keys of an issuer cannot be fetched)."""
        if (state := self._file.state()) != "ok":
            return state
        return "ok" if all(external.keys.available for external in self._external.values()) else "unavailable"

    def _add(self, issuer: Issuer) -> None:
        keys = KeyCache(issuer.url, partial(self._fetch, issuer), self._interval)
        external = self._external[issuer.url] = ExternalTokens(issuer, keys, self._leeway)
        if issuer.sign_in:
            # Importing Authlib takes 30 ms.
            from mathops.identity.issuers.sign_in_client import SignInClient

            self.sign_in_clients[issuer.sign_in.id] = SignInClient(issuer.sign_in, external, self._interval)
        self._tasks[issuer.url] = asyncio.create_task(keys.run())

    def _remove(self, url: str) -> None:
        self._tasks.pop(url).cancel()
        external = self._external.pop(url)
        external.keys.close()
        if external.issuer.sign_in:
            del self.sign_in_clients[external.issuer.sign_in.id]
