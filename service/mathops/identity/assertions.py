"""OAuth clients of the clients file; those with a key authenticate by a signed assertion (RFC 7523)."""

import json
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from mathops.identity.client_keys import ALGORITHMS, PREFIX, PublicKey, public_key
from mathops.identity.clients_file import KIND
from mathops.identity.reloaded_file import RELOAD_SECONDS
from mathops.identity.tokens import MAX_CHARACTERS
from mathops.identity.users import UsersFile
from mathops.models import USER_NAME
from mathops.telemetry.logs import get_logger

# Used assertions are remembered until they expire: both limits bound the memory.
_MAX_SECONDS = 3600
MAX_ASSERTIONS = 10_000
_MAX_ID_LENGTH = 128
# Errors of joserfc for hostile headers and payloads.
_ERRORS = (JoseError, ValueError, TypeError, KeyError, RecursionError)

log = get_logger(__name__)


class OAuthClients(UsersFile):
    """Implements ports.Clients; raises StartupError."""

    def __init__(
        self,
        path: Path,
        leeway: int,
        reload_seconds: float = RELOAD_SECONDS,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, reload_seconds, kind=KIND)
        self._assertions = Assertions(leeway, clock)

    async def authenticate_by_assertion(
        self, name: str, assertion: str, audiences: Collection[str]
    ) -> list[str] | None:
        self._file.refresh()
        credential, scopes = self._file.content.get(name, ("", []))
        if not credential.startswith(PREFIX):
            return None
        try:
            self._assertions.verify(assertion, name, public_key(credential), audiences)
        except _ERRORS as error:
            log.info("client assertion rejected", client=name, error=str(error))
            return None
        return list(scopes)


class Assertions:
    """Verifies assertions and remembers them, because each may be used once."""

    def __init__(self, leeway: int, clock: Callable[[], float]) -> None:
        self._leeway = leeway
        self._clock = clock
        # The expiry of each, by name of the client and id.
        self._used: dict[str, dict[str, float]] = {}

    def verify(self, assertion: str, name: str, key: PublicKey, audiences: Collection[str]) -> None:
        """Raises JoseError, ValueError, TypeError, KeyError or RecursionError."""
        if len(assertion) > MAX_CHARACTERS:
            raise ValueError("the assertion is too long")
        claims = jwt.decode(assertion, key, algorithms=ALGORITHMS).claims
        now = self._clock()
        required: Any = {name: {"essential": True} for name in ("aud", "exp", "jti")}
        owner: Any = {"essential": True, "value": name}
        jwt.JWTClaimsRegistry(int(now), self._leeway, iss=owner, sub=owner, **required).validate(claims)
        audience = claims["aud"]
        # Another server named beside this one could send the assertion here.
        if (audience[0] if isinstance(audience, list) and len(audience) == 1 else audience) not in audiences:
            raise ValueError("the assertion is for another audience")
        if claims["exp"] > now + _MAX_SECONDS + self._leeway:
            raise ValueError(f"the assertion is valid for more than {_MAX_SECONDS} s")
        self._use(name, claims["jti"], claims["exp"] + self._leeway, now)

    def _use(self, name: str, assertion_id: str, until: float, now: float) -> None:
        if not 0 < len(assertion_id) <= _MAX_ID_LENGTH:
            raise ValueError(f"the jti has 1 to {_MAX_ID_LENGTH} characters")
        used = self._used.setdefault(name, {})
        if len(used) >= MAX_ASSERTIONS:
            used = self._used[name] = {key: end for key, end in used.items() if end > now}
        if len(used) >= MAX_ASSERTIONS:
            raise ValueError("too many unexpired assertions of this client")
        if assertion_id in used:
            raise ValueError("the assertion was used before")
        used[assertion_id] = until


def claimed_client(assertion: str) -> str:
    """The subject of an assertion that is not verified yet; empty if it cannot be the name of a client."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
    except _ERRORS:
        return ""
    name = claims.get("sub") if isinstance(claims, dict) else None
    return name if isinstance(name, str) and re.fullmatch(USER_NAME, name, re.ASCII) else ""
