"""The keys of one issuer in memory: fetched in the background, and once more when a token names an unknown key."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mathops.errors import IssuerUnavailable
from mathops.identity.issuers.public_keys import PublicKey, PublicKeys, find
from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger

FETCH_SECONDS = 5.0
# A key that the issuer has removed verifies tokens for this time at most, if the issuer can be reached.
REFRESH_SECONDS = 300.0
# Otherwise for this time: an outage must not reject tokens, and a blocked connection not keep a stolen key alive.
MAX_AGE_SECONDS = 86_400.0
# Anyone can send tokens with unknown keys.
MIN_INTERVAL_SECONDS = 5.0
MAX_WAITING = 100
_MAX_RETRY_SECONDS = 60.0

log = get_logger(__name__)


class KeyCache:
    """`generation` changes with the keys."""

    def __init__(
        self, url: str, fetch: Callable[[], Awaitable[PublicKeys]], interval: float = MIN_INTERVAL_SECONDS
    ) -> None:
        self._url = url
        # Created here, because increase() does not see the first failure of a new series.
        self._failures = metrics.ISSUER_FETCH_FAILURES.labels(url)
        self._fetch = fetch
        self._interval = interval
        self._keys: PublicKeys = {}
        self._fetched_at = 0.0
        self._error: str | None = "not fetched yet"
        self._wanted = asyncio.Event()
        self._finished = asyncio.Condition()
        # Number of the last fetch that has started, and of the last one that has ended.
        self._started = self._ended = 0
        self._waiting = 0
        self.generation = 0

    @property
    def available(self) -> bool:
        """Whether the last fetch succeeded."""
        return self._error is None

    def find(self, key_id: str, algorithm: str) -> PublicKey | None:
        return find(self._keys, key_id, algorithm)

    def request_fetch(self) -> None:
        """Fetch soon, without a wait: an issuer may have replaced a key under its id."""
        self._wanted.set()

    async def find_after_fetch(self, key_id: str, algorithm: str) -> PublicKey | None:
        """Wait for a fetch that starts from now on; raises IssuerUnavailable."""
        if self._waiting >= MAX_WAITING:
            raise self._unavailable()
        self._waiting += 1
        try:
            # A fetch that is under way may have the key already.
            if self._started > self._ended:
                await self._fetch_ended(self._started)
            if not (key := self.find(key_id, algorithm)):
                self.request_fetch()
                await self._fetch_ended(self._started + 1)
                key = self.find(key_id, algorithm)
        finally:
            self._waiting -= 1
        if key is None and self._error:
            raise self._unavailable()
        return key

    async def run(self) -> None:
        """Fetch the keys again and again, at most once in the interval."""
        pause = 0.0
        while True:
            began = time.monotonic()
            await self._fetch_once()
            pause = REFRESH_SECONDS if self.available else min(max(self._interval, 2 * pause), _MAX_RETRY_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)
            await asyncio.sleep(began + self._interval - time.monotonic())

    def close(self) -> None:
        metrics.ISSUER_UNAVAILABLE.labels(self._url).set(0)

    async def _fetch_ended(self, number: int) -> None:
        seconds = self._interval + 2 * FETCH_SECONDS
        try:
            async with asyncio.timeout(seconds), self._finished:
                await self._finished.wait_for(lambda: self._ended >= number)
        except TimeoutError:
            raise self._unavailable() from None

    async def _fetch_once(self) -> None:
        self._wanted.clear()
        self._started += 1
        error = None
        try:
            self._store(await self._fetch())
        except Exception as failure:  # whatever it is, the next attempt may succeed
            error = str(failure) or type(failure).__name__
            self._failures.inc()
            self._drop_old_keys()
        self._report(error)
        self._ended = self._started
        async with self._finished:
            self._finished.notify_all()

    def _store(self, keys: PublicKeys) -> None:
        self._fetched_at = time.monotonic()
        if _documents(keys) != _documents(self._keys):
            self._keys = keys
            self.generation += 1

    def _drop_old_keys(self) -> None:
        if self._keys and time.monotonic() - self._fetched_at > MAX_AGE_SECONDS:
            self._keys = {}
            self.generation += 1

    def _report(self, error: str | None) -> None:
        if error and error != self._error:
            log.warning("keys of an issuer cannot be fetched", issuer=self._url, error=error)
        elif self._error and not error:
            log.info("keys of an issuer fetched", issuer=self._url, keys=len(self._keys))
        self._error = error
        metrics.ISSUER_UNAVAILABLE.labels(self._url).set(bool(error))

    def _unavailable(self) -> IssuerUnavailable:
        return IssuerUnavailable(
            "the keys of the token's issuer cannot be fetched; send the request again",
            retry_after=max(1, round(self._interval)),
        )


def _documents(keys: PublicKeys) -> dict[tuple[str, str], object]:
    return {name: key.as_dict(private=False) for name, key in keys.items()}
