"""What clients ask, and all that is known beforehand of the answer."""

import json
from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

from tests.chaos.exact import result

JSON, TEXT = "application/json", "text/plain"
_NOTHING: Mapping[str, str] = MappingProxyType({})
# Of no signature at all.
_STRANGER = "Bearer eyJhbGciOiJub25lIn0.e30."


class Ask(NamedTuple):
    """One request. `operation` is None where no record is kept; `content` is the whole body of a result."""

    kind: str
    target: str
    status: int = 200
    method: str = "GET"
    fields: Mapping[str, str] = _NOTHING
    body: bytes | None = None
    operation: str | None = None
    problem: str | None = None
    result: str | None = None
    content: bytes | None = None


class Sum(NamedTuple):
    """An operation and its arguments by name."""

    operation: str
    arguments: dict[str, int]

    @property
    def target(self) -> str:
        return f"/{self.operation}?{urlencode(self.arguments)}"

    @property
    def result(self) -> str:
        return result(self.operation, *self.arguments.values())

    def ask(self, kind: str, form: str = JSON, **changed: object) -> Ask:
        """A GET for the result in that form, with some of it changed."""
        text = self.result
        content = text.encode() if form == TEXT else self._document(text)
        usual = Ask(kind, self.target, fields={"Accept": form}, operation=self.operation, result=text, content=content)
        return usual._replace(**changed)

    def _document(self, text: str) -> bytes:
        document = {
            "operation": self.operation,
            "parameters": {name: str(value) for name, value in self.arguments.items()},
            "result": text,
            "digits": len(text.lstrip("-")),
        }
        return json.dumps(document, separators=(",", ":")).encode()


def power(base: int, exp: int) -> Sum:
    return Sum("pow", {"base": base, "exp": exp})


def fibonacci(n: int) -> Sum:
    return Sum("fib", {"n": n})


def factorial(n: int) -> Sum:
    return Sum("fact", {"n": n})


REPEATED = [power(3, 7), power(-2, 63), power(10, 90), fibonacci(90), fibonacci(400), factorial(20), factorial(100)]
# Beyond what is computed in the web worker, up to what takes a computing process some tenths of a second.
LARGE = [
    *(power(base, exp) for base, exp in ((7, 3000), (-11, 9001), (123456789, 4000), (3, 90000))),
    *(fibonacci(n) for n in (12000, 50000, 200001)),
    *(factorial(n) for n in (1000, 4000, 12000)),
]
HUGE = [power(3, 1_500_000), fibonacci(3_000_000), factorial(100_000)]

_REFUSED = (
    Ask("refused", "/pow?base=2&exp=-1", 422, operation="pow", problem="invalid-parameter"),
    Ask("refused", "/fib", 422, operation="fib", problem="invalid-parameter"),
    Ask("refused", "/fact?n=5&n=6", 422, operation="fact", problem="invalid-parameter"),
    Ask("refused", "/fib?n=1000000000000", 422, operation="fib", problem="result-too-large"),
    Ask("refused", "/fact?n=%FF", 400, operation="fact", problem="malformed-request"),
    Ask(
        "refused",
        "/pow",
        400,
        "POST",
        {"Content-Type": JSON},
        b'{"base": 2, "base": 3, "exp": 5}',
        operation="pow",
        problem="malformed-request",
    ),
    Ask("refused", "/fact", 415, "POST", {"Content-Type": TEXT}, b"5", "fact", "unsupported-media-type"),
    Ask("refused", "/fib?n=5", 406, fields={"Accept": "image/png"}, operation="fib", problem="not-acceptable"),
    Ask("refused", "/fib?n=5", 405, "PUT", operation="fib", problem="method-not-allowed"),
    Ask("refused", "/nothing", 404, problem="not-found"),
    Ask("refused", "/pow?base=2&exp=5", 401, "GET", {"Authorization": _STRANGER}, None, "pow", "unauthorized"),
)


def _small(random: Random) -> Sum:
    return random.choice(
        (
            power(random.randint(-999, 999), random.randint(0, 60)),
            fibonacci(random.randint(0, 600)),
            factorial(random.randint(0, 200)),
        )
    )


def _post(random: Random) -> Ask:
    asked = _small(random)
    numbers = {name: random.choice((value, str(value))) for name, value in asked.arguments.items()}
    fields = {"Accept": random.choice((JSON, TEXT)), "Content-Type": JSON}
    changed = {"method": "POST", "target": f"/{asked.operation}", "body": json.dumps(numbers).encode()}
    return asked.ask("post", fields["Accept"], fields=fields, **changed)


_KINDS = {
    "small": (30, lambda random: _small(random).ask("small")),
    "text": (12, lambda random: _small(random).ask("text", TEXT)),
    "repeated": (20, lambda random: random.choice(REPEATED).ask("repeated", random.choice((JSON, TEXT)))),
    "post": (10, _post),
    "head": (6, lambda random: _small(random).ask("head", random.choice((JSON, TEXT)), method="HEAD")),
    "large": (6, lambda random: random.choice(LARGE).ask("large", random.choice((JSON, TEXT)))),
    "huge": (1, lambda random: random.choice(HUGE).ask("huge", TEXT)),
    "refused": (11, lambda random: random.choice(_REFUSED)),
    "history": (1, lambda _: Ask("history", "/history?limit=5")),
}
_NAMES, _WEIGHTS = list(_KINDS), [weight for weight, _ in _KINDS.values()]


def mixed(random: Random) -> Ask:
    """One request of the mix."""
    (name,) = random.choices(_NAMES, _WEIGHTS)
    return _KINDS[name][1](random)


def conditional(known: Ask, etag: str) -> Ask:
    """The same again by one who has the result already."""
    fields = {**known.fields, "If-None-Match": etag}
    return known._replace(kind="conditional", status=304, fields=fields, result=None, content=b"")
