"""Tokens of another time, signed by the server's own keys."""

import time
from contextlib import closing

from joserfc import jwt

from mathops.identity.keys import Keys
from mathops.identity.tokens import Tokens
from mathops.settings import Settings
from tests.chaos.asks import Ask, power
from tests.chaos.faults import Well
from tests.chaos.load import Caller
from tests.chaos.scene import Scene

_USER = "traveller"
_DAY = 86400
# Seconds on the far side of a limit, enough for a slow machine.
_MARGIN = 5
_LAST_SECONDS = 4


class _Clock:
    """Makes tokens by a clock that goes `ahead` seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.keys_path)

    def token(self, ahead: float) -> str:
        return Tokens(self._keys, self._settings, clock=lambda: time.time() + ahead).make(_USER, ["math"])

    def not_before(self, ahead: float) -> str:
        """A token of now that is to be used later only."""
        now = jwt.decode(self.token(0), self._keys.key_set)
        return jwt.encode(now.header, {**now.claims, "nbf": int(time.time() + ahead)}, self._keys.signing)


def move_clock(scene: Scene, seconds: float) -> Well:
    """Tokens from outside the leeway are refused, others accepted, and one ends while it is in use."""
    settings = Settings(data_dir=scene.data)
    with closing(scene.caller(_USER)) as caller:
        _travel(caller, settings)
    return scene.whole


def _travel(caller: Caller, settings: Settings) -> None:
    clock = _Clock(settings)
    lifetime, leeway = settings.token_lifetime_seconds, settings.token_leeway_seconds
    for ahead in (-_DAY, -lifetime - leeway - _MARGIN, leeway + _MARGIN, _DAY):
        _refused(caller, clock.token(ahead))
    _refused(caller, clock.not_before(leeway + _MARGIN))
    for ahead in (-lifetime - leeway + _MARGIN, 0, leeway - _MARGIN):
        _accepted(caller, clock.token(ahead))
    _accepted(caller, clock.not_before(leeway - _MARGIN))
    short = clock.token(_LAST_SECONDS - lifetime - leeway)
    _accepted(caller, short)
    time.sleep(_LAST_SECONDS)
    _refused(caller, short)


def _refused(caller: Caller, token: str) -> None:
    _ask(caller, token, Ask("token", "/pow?base=2&exp=5", 401, operation="pow", problem="unauthorized"))


def _accepted(caller: Caller, token: str) -> None:
    _ask(caller, token, power(2, 5).ask("token"))


def _ask(caller: Caller, token: str, ask: Ask) -> None:
    outcome, _ = caller.ask(ask._replace(fields={**ask.fields, "Authorization": f"Bearer {token}"}))
    assert outcome.status == ask.status, f"a token of another time: {outcome.wrong or outcome.status}"
