"""Clock skew: tokens signed by the server's own keys with another time."""

import time
from contextlib import closing

from joserfc import jwt

from mathops.identity.keys import Keys
from mathops.identity.tokens import Tokens
from mathops.settings import Settings
from tests.chaos.environment import TOKEN_LIFETIME_SECONDS, Environment
from tests.chaos.faults import RecoveryCheck
from tests.chaos.load import Client
from tests.chaos.request_mix import Request, power

_USER = "traveller"
_DAY = 86400
# Distance from a limit, in seconds; enough for a slow machine.
_MARGIN = 5
_LAST_SECONDS = 4


class _SkewedClock:
    """Makes tokens by a clock that is `ahead` seconds ahead."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.keys_path)

    def token(self, ahead: float) -> str:
        return Tokens(self._keys, self._settings, clock=lambda: time.time() + ahead).issue(_USER, ["math"])

    def not_before(self, ahead: float) -> str:
        """A token issued now with `nbf` in `ahead` seconds."""
        now = jwt.decode(self.token(0), self._keys.key_set)
        return jwt.encode(now.header, {**now.claims, "nbf": int(time.time() + ahead)}, self._keys.signing)


def skew_clock(environment: Environment, seconds: float) -> RecoveryCheck:
    """Tokens outside the leeway are rejected, others accepted, and one expires while in use."""
    settings = Settings(data_dir=environment.data, token_lifetime_seconds=TOKEN_LIFETIME_SECONDS)
    with closing(environment.client(_USER)) as client:
        _use_tokens(client, settings)
    return environment.is_healthy


def _use_tokens(client: Client, settings: Settings) -> None:
    clock = _SkewedClock(settings)
    lifetime, leeway = settings.token_lifetime_seconds, settings.token_leeway_seconds
    for ahead in (-2 * _DAY, -lifetime - leeway - _MARGIN, leeway + _MARGIN, _DAY):
        _expect_rejected(client, clock.token(ahead))
    _expect_rejected(client, clock.not_before(leeway + _MARGIN))
    for ahead in (-lifetime - leeway + _MARGIN, 0, leeway - _MARGIN):
        _expect_accepted(client, clock.token(ahead))
    _expect_accepted(client, clock.not_before(leeway - _MARGIN))
    short = clock.token(_LAST_SECONDS - lifetime - leeway)
    _expect_accepted(client, short)
    time.sleep(_LAST_SECONDS)
    _expect_rejected(client, short)


def _expect_rejected(client: Client, token: str) -> None:
    _send(client, token, Request("token", "/pow?base=2&exp=5", 401, operation="pow", problem="unauthorized"))


def _expect_accepted(client: Client, token: str) -> None:
    _send(client, token, power(2, 5).request("token"))


def _send(client: Client, token: str, request: Request) -> None:
    outcome, _ = client.send(request._replace(headers={**request.headers, "Authorization": f"Bearer {token}"}))
    assert outcome.status == request.status, f"token with a skewed clock: {outcome.error or outcome.status}"
