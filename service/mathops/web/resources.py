"""What the web layer works with; the composition root opens it, tests pass their own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from mathops.evaluator import Evaluator
from mathops.identity.keys import Keys
from mathops.identity.tokens import Tokens
from mathops.ports import Journal, RateLimiter, Revocations, Users
from mathops.settings import Settings
from mathops.shared.revocations import NoRevocations
from mathops.telemetry.tracing import NO_TRACING, AnyTracing


@dataclass
class Resources:
    """Everything that is open while the service runs; `draining` is set once it is about to stop."""

    settings: Settings
    keys: Keys
    tokens: Tokens
    users: Users
    journal: Journal
    rate_limiter: RateLimiter
    evaluator: Evaluator
    revocations: Revocations = field(default_factory=NoRevocations)
    tracing: AnyTracing = NO_TRACING
    # Parts that only help, by name, and how they are: a fault in one degrades the service and no more.
    dependencies: dict[str, Callable[[], str]] = field(default_factory=dict)
    draining: bool = False


OpenResources = Callable[[Settings], AbstractAsyncContextManager[Resources]]
