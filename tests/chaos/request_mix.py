"""The requests of the load, each with its expected response."""

import json
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.chaos.reference import result

JSON, TEXT = "application/json", "text/plain"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_UNSIGNED_TOKEN = "Bearer eyJhbGciOiJub25lIn0.e30."


class Request(NamedTuple):
    """One request. `operation` is None if no record is stored; `content` is the whole body of a result."""

    kind: str
    target: str
    status: int = 200
    method: str = "GET"
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes | None = None
    operation: str | None = None
    problem: str | None = None
    result: str | None = None
    content: bytes | None = None


class Calculation(NamedTuple):
    """An operation and its arguments by name."""

    operation: str
    arguments: dict[str, int]

    @property
    def target(self) -> str:
        return f"/{self.operation}?{urlencode(self.arguments)}"

    @property
    def result(self) -> str:
        return result(self.operation, *self.arguments.values())

    def request(self, kind: str, media_type: str = JSON, **changes: Any) -> Request:
        """A GET for the result, with `changes` to its members."""
        text = self.result
        content = text.encode() if media_type == TEXT else self._document(text)
        request = Request(
            kind, self.target, headers={"Accept": media_type}, operation=self.operation, result=text, content=content
        )
        return request._replace(**changes)

    def _document(self, text: str) -> bytes:
        document = {
            "operation": self.operation,
            "parameters": {name: str(value) for name, value in self.arguments.items()},
            "result": text,
            "digits": len(text.lstrip("-")),
        }
        return json.dumps(document, separators=(",", ":")).encode()


def power(base: int, exp: int) -> Calculation:
    return Calculation("pow", {"base": base, "exp": exp})


def fibonacci(n: int) -> Calculation:
    return Calculation("fib", {"n": n})


def factorial(n: int) -> Calculation:
    return Calculation("fact", {"n": n})


REPEATED = [power(3, 7), power(-2, 63), power(10, 90), fibonacci(90), fibonacci(400), factorial(20), factorial(100)]
# Too large for the web worker; up to some tenths of a second in a pool worker.
LARGE = [
    *(power(base, exp) for base, exp in ((7, 3000), (-11, 9001), (123456789, 4000), (3, 90000))),
    *(fibonacci(n) for n in (12000, 50000, 200001)),
    *(factorial(n) for n in (1000, 4000, 12000)),
]
HUGE = [power(3, 1_500_000), fibonacci(3_000_000), factorial(100_000)]

_REJECTED = (
    Request("rejected", "/pow?base=2&exp=-1", 422, operation="pow", problem="invalid-parameter"),
    Request("rejected", "/fib", 422, operation="fib", problem="invalid-parameter"),
    Request("rejected", "/fact?n=5&n=6", 422, operation="fact", problem="invalid-parameter"),
    Request("rejected", "/fib?n=1000000000000", 422, operation="fib", problem="result-too-large"),
    Request("rejected", "/fact?n=%FF", 400, operation="fact", problem="malformed-request"),
    Request(
        "rejected",
        "/pow",
        400,
        "POST",
        {"Content-Type": JSON},
        b'{"base": 2, "base": 3, "exp": 5}',
        operation="pow",
        problem="malformed-request",
    ),
    Request("rejected", "/fact", 415, "POST", {"Content-Type": TEXT}, b"5", "fact", "unsupported-media-type"),
    Request("rejected", "/fib?n=5", 406, headers={"Accept": "image/png"}, operation="fib", problem="not-acceptable"),
    Request("rejected", "/fib?n=5", 405, "PUT", operation="fib", problem="method-not-allowed"),
    Request("rejected", "/nothing", 404, problem="not-found"),
    Request(
        "rejected", "/pow?base=2&exp=5", 401, "GET", {"Authorization": _UNSIGNED_TOKEN}, None, "pow", "unauthorized"
    ),
)


def _small(random: Random) -> Calculation:
    return random.choice(
        (
            power(random.randint(-999, 999), random.randint(0, 60)),
            fibonacci(random.randint(0, 600)),
            factorial(random.randint(0, 200)),
        )
    )


def _post(random: Random) -> Request:
    calculation = _small(random)
    numbers = {name: random.choice((value, str(value))) for name, value in calculation.arguments.items()}
    headers = {"Accept": random.choice((JSON, TEXT)), "Content-Type": JSON}
    changes = {"method": "POST", "target": f"/{calculation.operation}", "body": json.dumps(numbers).encode()}
    return calculation.request("post", headers["Accept"], headers=headers, **changes)


# Weight and maker of each kind.
_KINDS: dict[str, tuple[int, Callable[[Random], Request]]] = {
    "small": (30, lambda random: _small(random).request("small")),
    "text": (12, lambda random: _small(random).request("text", TEXT)),
    "repeated": (20, lambda random: random.choice(REPEATED).request("repeated", random.choice((JSON, TEXT)))),
    "post": (10, _post),
    "head": (6, lambda random: _small(random).request("head", random.choice((JSON, TEXT)), method="HEAD")),
    "large": (6, lambda random: random.choice(LARGE).request("large", random.choice((JSON, TEXT)))),
    "huge": (1, lambda random: random.choice(HUGE).request("huge", TEXT)),
    "rejected": (11, lambda random: random.choice(_REJECTED)),
    "history": (1, lambda _: Request("history", "/history?limit=5")),
}
_NAMES, _WEIGHTS = list(_KINDS), [weight for weight, _ in _KINDS.values()]


def random_request(random: Random) -> Request:
    (name,) = random.choices(_NAMES, _WEIGHTS)
    return _KINDS[name][1](random)


def conditional(request: Request, etag: str) -> Request:
    """The same request with If-None-Match; expects 304."""
    headers = {**request.headers, "If-None-Match": etag}
    return request._replace(kind="conditional", status=304, headers=headers, result=None, content=b"")
