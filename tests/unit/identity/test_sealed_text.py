"""Sealed texts are opened by every process with the keys, for one purpose and a limited time."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mathops.identity import keys
from mathops.identity.keys import Keys
from mathops.identity.sealed_text import seal, unseal
from tests.support.forgery import encoded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    keys.ensure(path)
    return path


def test_another_process_opens_a_text(path: Path) -> None:
    sealed = seal(Keys(path), "a", "secret é", 10)

    assert "secret" not in sealed
    assert unseal(Keys(path), "a", sealed) == "secret é"


def test_a_text_is_for_one_purpose_and_a_limited_time(path: Path) -> None:
    own = Keys(path)

    assert unseal(own, "b", seal(own, "a", "text", 10)) is None
    assert unseal(own, "a", seal(own, "a", "text", 0)) is None


def test_a_text_is_opened_until_its_key_is_removed(path: Path) -> None:
    sealed = seal(Keys(path), "a", "text", 10)
    keys.rotate(path)
    assert unseal(Keys(path), "a", sealed) == "text"

    keys.prune(path)

    assert unseal(Keys(path), "a", sealed) is None


def test_hostile_texts_are_rejected(path: Path) -> None:
    own = Keys(path)
    sealed = seal(own, "a", "text", 10)
    rest = sealed.partition(".")[2]
    values: list[Any] = [None, 1, [], {}, "dir", "A256GCM", "PBES2-HS256+A128KW", "none", "\ud800"]
    headers = [{"alg": algorithm, "enc": encryption} for algorithm, encryption in product(values, values)]
    headers += [{"alg": "dir", "enc": "A256GCM", name: value} for name in ("crit", "zip", "kid") for value in values]
    hostile = ["", ".", "....", "é", "\x00", "x" * 10_000, f"{sealed}.x", sealed[:-1], sealed.replace(".", "..", 1)]

    assert [text for text in hostile if unseal(own, "a", text)] == []
    assert [header for header in headers if unseal(own, "a", f"{encoded(header)}.{rest}")] == []
