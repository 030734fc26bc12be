"""Every response to an operation is recorded; a result that cannot be recorded is not sent."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from jsonschema import Draft202012Validator
from starlette.types import Message

from mathops.errors import JournalUnavailable
from mathops.models import Record
from mathops.schemas import event_schema
from tests.components.web.asgi import body, scope
from tests.components.web.responses import assert_problem
from tests.conftest import World
from tests.support.fakes import FakeJournal

_SECRET = "354224848179261915075"


def test_a_result_that_could_not_be_stored_is_withheld(world: World) -> None:
    world.journal.error = "the disk is full"

    response = world.get("/fib?n=100")

    document = assert_problem(response, 503, "journal-unavailable")
    assert response.headers["retry-after"] == "1"
    assert _SECRET not in response.text + str(response.headers)
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert "the disk is full" in document["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
def test_no_slice_of_a_withheld_result_leaks(world: World, accept: str) -> None:
    world.journal.error = "the disk is full"

    response = world.get("/pow?base=10&exp=100000", Accept=accept)

    assert_problem(response, 503, "journal-unavailable")
    assert len(response.content) < 1000


@pytest.mark.parametrize("target", ["/fib?n=x", "/fib?n=1"])
def test_errors_and_304_require_the_journal_too(world: World, target: str) -> None:
    etag = world.get("/fib?n=1").headers["etag"]
    world.journal.error = "the disk is full"

    assert_problem(world.get(target, If_None_Match=etag), 503, "journal-unavailable")


def test_results_return_with_the_journal(world: World) -> None:
    world.journal.error = "the disk is full"
    world.get("/fib?n=100")
    world.journal.error = None

    assert world.get("/fib?n=100").json()["result"] == _SECRET
    assert [row.status for row in world.journal.records] == [200]


def test_a_withheld_head_is_503(world: World) -> None:
    world.journal.error = "the disk is full"

    assert world.client.head("/fib?n=100", headers=world.bearer()).status_code == 503


class SlowJournal(FakeJournal):
    """Commits after its event is set."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def append(self, record: Record) -> None:
        self.started.set()
        await self.released.wait()
        await super().append(record)


@pytest.mark.anyio
async def test_nothing_is_sent_before_the_commit(world: World) -> None:
    journal = world.resources.journal = SlowJournal()
    sent: list[Message] = []

    async def receive() -> Message:
        return body(b"")

    async def send(message: Message) -> None:
        sent.append(message)

    asked = asyncio.ensure_future(world.client.app(scope("GET", "/fib?n=10", world.bearer()), receive, send))
    await journal.started.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert sent == []

    journal.released.set()
    await asked
    assert sent[0]["status"] == 200
    assert len(journal.records) == 1


@pytest.mark.parametrize(
    ("method", "target", "headers", "outcome"),
    [
        ("GET", "/fib?n=10", {}, (200, None)),
        ("HEAD", "/fib?n=10", {}, (200, None)),
        ("GET", "/fib?n=x", {}, (422, "invalid-parameter")),
        ("GET", "/fib?n=99999999999", {}, (422, "result-too-large")),
        ("GET", "/fib?n=10", {"Accept": "image/png"}, (406, "not-acceptable")),
        ("PUT", "/fib?n=10", {}, (405, "method-not-allowed")),
        ("POST", "/fib", {"Content-Type": "text/csv"}, (415, "unsupported-media-type")),
        ("GET", "/fib?n=10", {"Authorization": "Bearer x"}, (401, "unauthorized")),
    ],
)
def test_every_request_of_an_operation_is_recorded(
    world: World, method: str, target: str, headers: dict[str, str], outcome: tuple[int, str | None]
) -> None:
    world.client.request(method, target, headers={**world.bearer(), **headers})

    [row] = world.journal.records
    assert (row.status, row.problem) == outcome
    assert row.user == (None if row.status == 401 else "alice")
    Draft202012Validator(event_schema()).validate(msgspec.to_builtins(row))


@pytest.mark.parametrize(
    "target",
    ["/", "/livez", "/readyz", "/startupz", "/metrics", "/docs", "/openapi.json", "/history", "/nothing", "/pow/"],
)
def test_nothing_else_is_recorded(world: World, target: str) -> None:
    world.client.get(target, headers=world.bearer(), follow_redirects=False)

    assert world.journal.records == []


def test_logins_are_not_recorded(world: World) -> None:
    world.client.post("/login", json={"user": "alice"})

    assert world.journal.records == []


def test_a_rejected_token_is_recorded_without_parameters(world: World) -> None:
    assert_problem(world.client.get("/pow?base=2&exp=5"), 401, "unauthorized")

    [row] = world.journal.records
    assert (row.user, row.operation, row.endpoint, row.result) == (None, "pow", "/pow", None)


class Refusing(FakeJournal):
    """Rejects the first record."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0

    async def append(self, record: Record) -> None:
        self.started += 1
        if self.started == 1:
            raise JournalUnavailable("try again")
        await super().append(record)


def test_journal_unavailable_is_not_recorded_again(make_world: Callable[..., World]) -> None:
    world = make_world()
    journal = world.resources.journal = Refusing()

    assert_problem(world.get("/fib?n=10"), 503, "journal-unavailable")
    assert journal.started == 1
