"""Clients that ask without end, each on connections of its own, and note what they saw."""

import http.client
import threading
import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import NamedTuple

from tests.chaos import answers
from tests.chaos.answers import Answer
from tests.chaos.asks import Ask, conditional, mixed
from tests.support.load import Callers

# Longer than any fault's own time limits together; who waits longer has been left hanging.
LONGEST_SECONDS = 30.0
# Few enough that a ten minutes' journal fits into memory and the machine is left some time for the faults.
CLIENTS = 8
_MOST_PAUSE_SECONDS = 0.06
_USERS = 4


class Outcome(NamedTuple):
    """One request as its client saw it: when (monotonic), and the status, None where the connection was lost."""

    ask: Ask
    request_id: str
    user: str
    began: float
    ended: float
    status: int | None
    problem: str | None = None
    wrong: str | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the service has told what became of it, so that it must be in all stores."""
        # A HEAD's 503 tells no problem; it is one of the journal, for what a HEAD asks for here is small.
        withheld = self.status == answers.UNAVAILABLE and self.problem != answers.OVERLOADED
        return self.status is not None and not withheld


class Caller:
    """One user on one connection at a time; what it sees is added to `outcomes`."""

    def __init__(self, name: str, user: str, token: str, port: int, outcomes: list[Outcome]) -> None:
        self._name = name
        self._user = user
        self._token = token
        self._outcomes = outcomes
        self._numbers = count()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def close(self) -> None:
        """End the connection; the next request makes another."""
        self._connection.close()

    def ask(self, ask: Ask) -> tuple[Outcome, Answer | None]:
        """Send it, and look at what comes."""
        request_id = f"{self._name}-{next(self._numbers)}"
        began, answer, wrong = time.monotonic(), None, None
        try:
            answer = self._exchange(ask, request_id)
            wrong = answers.fault(ask, request_id, answer)
        except TimeoutError:
            self.close()
            wrong = f"no answer within {LONGEST_SECONDS:g} s"
        except (OSError, http.client.HTTPException):
            self.close()
        status, problem = (answer.status, answers.problem(answer)) if answer else (None, None)
        outcome = Outcome(ask, request_id, self._user, began, time.monotonic(), status, problem, wrong)
        self._outcomes.append(outcome)
        return outcome, answer

    def _exchange(self, ask: Ask, request_id: str) -> Answer:
        fields = {"Authorization": f"Bearer {self._token}", "X-Request-ID": request_id, **ask.fields}
        self._connection.request(ask.method, ask.target, ask.body, fields)
        answer = self._connection.getresponse()
        body = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


class Load(Callers):
    """Runs the clients while it is entered."""

    def __init__(self, caller: Callable[[str], Caller], seed: str) -> None:
        super().__init__()
        self._threads = [
            threading.Thread(target=self._call, args=(caller(f"user{number % _USERS}"), random))
            for number in range(CLIENTS)
            for random in [Random(f"{seed} client {number}")]
        ]

    def _call(self, caller: Caller, random: Random) -> None:
        known: dict[tuple[str, str], tuple[Ask, str]] = {}
        left = 0
        while not self._ended.wait(random.uniform(0, _MOST_PAUSE_SECONDS)):
            if left == 0:
                # Connections move between the web workers only when they are made anew.
                caller.close()
                left = random.randint(20, 200)
            left -= 1
            ask = (
                conditional(*random.choice(list(known.values()))) if known and random.random() < 0.05 else mixed(random)
            )
            outcome, answer = caller.ask(ask)
            if ask.kind == "repeated" and answer is not None and outcome.status == 200:
                known[ask.target, ask.fields["Accept"]] = (ask, answer.fields["etag"])
        caller.close()
