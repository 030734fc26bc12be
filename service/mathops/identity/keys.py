"""Signing keys: a file of private keys (JWK Set, RFC 7517). The last key signs; all keys verify."""

import json
import time
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from mathops.errors import StartupError
from mathops.identity import private_file
from mathops.identity.reloaded_file import RELOAD_SECONDS, ReloadedFile

ALGORITHM = "ES256"
_CURVE = "P-256"
_KIND = "keys"
# The member of a key with the time of its creation, in seconds since the epoch; the service alone reads it.
_CREATED = "iat"


class Keys:
    """The keys of a file, reloaded after a change such as a rotation; raises StartupError."""

    def __init__(self, path: Path, reload_seconds: float = RELOAD_SECONDS) -> None:
        self._file = ReloadedFile(_KIND, path, read, reload_seconds)
        self.refresh = self._file.refresh
        self._generation = 0
        self._key_set = KeySet([])

    @property
    def generation(self) -> int:
        """Changes with the keys."""
        return self._file.generation

    @property
    def key_set(self) -> KeySet:
        if self._generation != self._file.generation:
            self._generation = self._file.generation
            self._key_set = KeySet(list(self._file.content))
        return self._key_set

    @property
    def signing(self) -> ECKey:
        return self._file.content[-1]

    @property
    def all(self) -> list[ECKey]:
        """Oldest first."""
        return self._file.content

    def public(self) -> dict[str, Any]:
        """The JWK Set of the public keys."""
        return {"keys": [_public(key) for key in self._file.content]}


def _public(key: ECKey) -> dict[str, Any]:
    document = key.as_dict(private=False)
    document.pop(_CREATED, None)
    return {**document, "use": "sig", "alg": ALGORITHM}


def read(path: Path) -> list[ECKey]:
    """The private keys of a file, oldest first; raises StartupError."""
    try:
        keys = [ECKey.import_key(entry) for entry in json.loads(path.read_text())["keys"]]
    except FileNotFoundError:
        raise StartupError(f"keys file {path} does not exist; mathops serve creates it") from None
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise StartupError(f"keys file {path} is invalid: {error}; remove it to create a new one") from None
    if not keys or not all(key.is_private and key.curve_name == _CURVE for key in keys):
        raise StartupError(f"keys file {path} must contain private {_CURVE} keys")
    for key in keys:
        key.ensure_kid()
    return keys


def ensure(path: Path) -> bool:
    """Create the file with one key if it does not exist. Returns whether it did; raises StartupError."""
    with private_file.locked(path, _KIND):
        if created := not path.exists():
            _write(path, [_generate()])
    return created


def rotate(path: Path) -> str:
    """Add a signing key and return its id. Older keys still verify. Raises StartupError."""
    # A missing file is an error before the lock file is created.
    read(path)
    with private_file.locked(path, _KIND):
        key = _generate()
        _write(path, [*read(path), key])
    return str(key.kid)


def prune(path: Path, keep: int = 1, token_seconds: float | None = None) -> list[str]:
    """Remove all but the newest `keep` keys, which invalidates their tokens; returns the removed ids.

    With the lifetime of tokens, raises StartupError if a token of a removed key may still be valid.
    """
    read(path)
    with private_file.locked(path, _KIND):
        keys = read(path)
        if token_seconds is not None and len(keys) > keep:
            # The newest removed key signed until the next key was created.
            _require_older(keys[-keep], token_seconds)
        _write(path, keys[-keep:])
    return [str(key.kid) for key in keys[:-keep]]


def _generate() -> ECKey:
    parameters: Any = {_CREATED: int(time.time())}
    return ECKey.generate_key(_CURVE, parameters, auto_kid=True)


def _require_older(key: ECKey, seconds: float) -> None:
    created = key.as_dict(private=True).get(_CREATED)
    if not isinstance(created, int):
        raise StartupError(f"key {key.kid} has no time of creation; if no token of an older key is valid, use --force")
    if (left := created + seconds - time.time()) > 0:
        raise StartupError(f"tokens of the older keys are valid for up to {left:.0f} s; wait, or use --force")


def _write(path: Path, keys: list[ECKey]) -> None:
    document = {"keys": [key.as_dict(private=True) for key in keys]}
    private_file.write(path, json.dumps(document, indent=2) + "\n", _KIND)
