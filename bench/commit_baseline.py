"""Lower bound of a durable request: a Starlette handler that only commits a record, under the server of the service.

The settings are the MATHOPS_* variables.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette_baseline import BODY, HEADERS
from tests.support.records import make_record

from mathops.journal.client import JournalClient
from mathops.journal.supervision import journal_process
from mathops.server import master
from mathops.settings import load
from mathops.telemetry import logs


class Service(master.Gunicorn):
    """The server and the journal of the service, without its application."""

    def load(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with JournalClient(self.settings, self.journal.connect).running(1.0) as app.state.journal:
                yield

        return Starlette(routes=[Route("/pow", power)], lifespan=lifespan)


async def power(request: Request) -> Response:
    await request.app.state.journal.append(make_record())
    return Response(BODY, headers=HEADERS, media_type="application/json")


def main() -> None:
    """Serve until a signal."""
    settings = load().settings
    logs.configure("warning", "json")
    Service(settings, master.bind_and_prepare(settings), journal_process(settings)).run()


if __name__ == "__main__":
    main()
