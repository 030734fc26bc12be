"""Clients that send requests until the load ends and keep the outcome of each."""

import http.client
import threading
import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import NamedTuple

from tests.chaos import responses
from tests.chaos.request_mix import Request, conditional, random_request
from tests.chaos.responses import Response
from tests.support.load import Callers

# Longer than all time limits of the service together.
TIMEOUT_SECONDS = 30.0
# Few enough that the journal of ten minutes fits into memory and faults get processor time.
CLIENTS = 8
_MAX_PAUSE_SECONDS = 0.06
_USERS = 4


class Outcome(NamedTuple):
    """One request as its client saw it (monotonic seconds); `status` is None if the connection was lost."""

    request: Request
    request_id: str
    user: str
    began: float
    ended: float
    status: int | None
    problem: str | None = None
    error: str | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the request must be in all stores."""
        # A HEAD response has no problem type; its 503 comes from the journal, because HEAD requests here are small.
        not_stored = self.status == responses.UNAVAILABLE and self.problem != responses.OVERLOADED
        return self.status is not None and not not_stored


class Client:
    """One user on one connection at a time; adds to `outcomes`."""

    def __init__(self, name: str, user: str, token: str, port: int, outcomes: list[Outcome]) -> None:
        self._name = name
        self._user = user
        self._token = token
        self._outcomes = outcomes
        self._numbers = count()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def send(self, request: Request) -> tuple[Outcome, Response | None]:
        """Send the request and check its response."""
        request_id = f"{self._name}-{next(self._numbers)}"
        began, response, error = time.monotonic(), None, None
        try:
            response = self._exchange(request, request_id)
            error = responses.find_error(request, request_id, response)
        except TimeoutError:
            self.close()
            error = f"no response within {TIMEOUT_SECONDS:g} s"
        except (OSError, http.client.HTTPException):
            self.close()
        status, problem = (response.status, responses.problem_type(response)) if response else (None, None)
        outcome = Outcome(request, request_id, self._user, began, time.monotonic(), status, problem, error)
        self._outcomes.append(outcome)
        return outcome, response

    def _exchange(self, request: Request, request_id: str) -> Response:
        headers = {"Authorization": f"Bearer {self._token}", "X-Request-ID": request_id, **request.headers}
        self._connection.request(request.method, request.target, request.body, headers)
        response = self._connection.getresponse()
        body = response.read()
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


class Load(Callers):
    """Runs the clients while the context is entered."""

    def __init__(self, client: Callable[[str], Client], seed: str) -> None:
        super().__init__()
        self._threads = [
            threading.Thread(target=self._call, args=(client(f"user{number % _USERS}"), random))
            for number in range(CLIENTS)
            for random in [Random(f"{seed} client {number}")]
        ]

    def _call(self, client: Client, random: Random) -> None:
        cached: dict[tuple[str, str], tuple[Request, str]] = {}
        left = 0
        while not self._ended.wait(random.uniform(0, _MAX_PAUSE_SECONDS)):
            if left == 0:
                # Only new connections reach another web worker.
                client.close()
                left = random.randint(20, 200)
            left -= 1
            request = (
                conditional(*random.choice(list(cached.values())))
                if cached and random.random() < 0.05
                else random_request(random)
            )
            outcome, response = client.send(request)
            if request.kind == "repeated" and response is not None and outcome.status == 200:
                cached[request.target, request.headers["Accept"]] = (request, response.headers["etag"])
        client.close()
