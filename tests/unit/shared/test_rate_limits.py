from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from limits import parse
from limits.aio.storage import memory

from mathops.errors import StartupError
from mathops.ports import Quota
from mathops.settings import Settings
from mathops.shared.rate_limits import MemoryWindows, WindowCounts, WindowRateLimiter, policies

ITEM = parse("100/minute")


def test_an_invalid_limit_names_its_variable() -> None:
    with pytest.raises(StartupError, match="MATHOPS_QUOTA_COMPUTE: write a limit such as 600/minute, not 'many'"):
        policies(Settings(quota_compute="many"))


def test_an_empty_limit_disables_the_policy() -> None:
    assert policies(Settings(quota_requests="", quota_compute="", quota_unauthenticated="", quota_login="")) == {}


def later(counts: WindowCounts, seconds: int) -> WindowCounts:
    """The counts after `seconds` without requests."""
    window = ITEM.get_expiry()
    if counts.current_ttl - seconds > window:
        return counts._replace(
            previous_ttl=max(0, counts.previous_ttl - seconds), current_ttl=counts.current_ttl - seconds
        )
    return WindowCounts(counts.current, max(0, counts.current_ttl - seconds), 0, 0)


@given(
    previous=st.integers(0, 100),
    current=st.integers(0, 100),
    elapsed=st.floats(0, 59.9),
    cost=st.integers(1, 100),
)
def test_the_cost_of_a_rejected_charge_is_free_at_reset_and_not_before(
    previous: int, current: int, elapsed: float, cost: int
) -> None:
    counts = WindowCounts(previous, 60 - elapsed if previous else 0, current, 120 - elapsed)
    assume(counts.used(ITEM) + cost > ITEM.amount)

    seconds = counts.seconds_until(ITEM, cost)

    # The count falls to a whole number at the end of the second.
    assert later(counts, seconds).used(ITEM) + cost <= ITEM.amount + 1
    assert later(counts, seconds + 1).used(ITEM) + cost <= ITEM.amount
    assert seconds == 1 or later(counts, seconds - 1).used(ITEM) + cost > ITEM.amount


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Replaces the clock of the storage; `now` is in seconds."""
    clock = SimpleNamespace(now=60_000.0)
    clock.time = lambda: clock.now
    monkeypatch.setattr(memory, "time", clock)
    return clock


async def charged(limiter: WindowRateLimiter, cost: int) -> Quota:
    quota = await limiter.charge("compute", "alice", cost)
    assert quota is not None
    return quota


@pytest.mark.anyio
async def test_a_rejected_charge_is_allowed_after_its_reset(clock: SimpleNamespace) -> None:
    limiter = WindowRateLimiter(policies(Settings(quota_compute="100/minute")), MemoryWindows())
    await charged(limiter, 80)
    rejected = await charged(limiter, 50)
    assert not rejected.allowed

    # A minute until the 80 become the previous window, and 3/8 of one until 50 of the 80 count.
    assert rejected.reset == 82
    clock.now += rejected.reset
    assert (await charged(limiter, 50)).allowed


@pytest.mark.anyio
async def test_a_refund_in_the_next_window_adds_nothing_to_the_limit(clock: SimpleNamespace) -> None:
    limiter = WindowRateLimiter(policies(Settings(quota_compute="100/minute")), MemoryWindows())
    await charged(limiter, 50)
    clock.now += 60
    await limiter.refund("compute", "alice", 50)
    clock.now += 59.9

    assert [(await charged(limiter, 50)).allowed for _ in range(3)] == [True, True, False]
