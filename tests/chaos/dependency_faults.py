"""Faults of Redis and Kafka, which must not change any response, and of PostgreSQL, which holds the journal."""

import time

from tests.chaos.environment import Environment, holds
from tests.chaos.faults import SOON_SECONDS, Fault, RecoveryCheck, lasting
from tests.chaos.postgres_pair import PostgresPair
from tests.support.proxy import FaultProxy


def _redis_used(environment: Environment) -> RecoveryCheck:
    return lambda: not environment.bypasses_redis()


def _published(environment: Environment) -> RecoveryCheck:
    return environment.published()


def _cut_repeatedly(proxy: FaultProxy, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        proxy.cut()
        time.sleep(0.3)


def _cut_kafka(environment: Environment, seconds: float) -> RecoveryCheck:
    _cut_repeatedly(environment.kafka.proxy, seconds)
    return environment.published()


def _kill_relay(environment: Environment, seconds: float) -> RecoveryCheck:
    # Wait for a relay that is connected and publishing.
    holds(environment.published(), SOON_SECONDS)
    environment.kafka.proxy.set("hang")
    try:
        time.sleep(seconds)
        if relay := environment.relay():
            relay.kill()
        # Events sent since then never arrive.
        environment.kafka.proxy.cut()
    finally:
        environment.kafka.proxy.set("pass")
    return environment.published()


REDIS = (
    Fault(
        "Redis hangs (paused)",
        lasting(
            lambda environment: environment.redis.pause(), lambda environment: environment.redis.unpause(), _redis_used
        ),
    ),
    Fault(
        "Redis is stopped",
        lasting(
            lambda environment: environment.redis.stop(), lambda environment: environment.redis.start(), _redis_used
        ),
    ),
    Fault(
        "Redis replies are corrupted",
        lasting(
            lambda environment: environment.redis_proxy.set("garble"),
            lambda environment: environment.redis_proxy.set("pass"),
            _redis_used,
        ),
    ),
)
KAFKA = (
    Fault(
        "Kafka hangs (paused)",
        lasting(
            lambda environment: environment.kafka.container.pause(),
            lambda environment: environment.kafka.container.unpause(),
            _published,
        ),
    ),
    Fault(
        "Kafka hangs (proxy)",
        lasting(
            lambda environment: environment.kafka.proxy.set("hang"),
            lambda environment: environment.kafka.proxy.set("pass"),
            _published,
        ),
    ),
    Fault(
        "Kafka refuses connections",
        lasting(
            lambda environment: environment.kafka.proxy.set("refuse"),
            lambda environment: environment.kafka.proxy.set("pass"),
            _published,
        ),
    ),
    Fault("Kafka connections are cut repeatedly", _cut_kafka),
    Fault("Kafka hangs, relay killed", _kill_relay, frozenset({503})),
)


def _postgres(environment: Environment) -> PostgresPair:
    assert environment.journal.pair is not None
    return environment.journal.pair


def _healthy(environment: Environment) -> RecoveryCheck:
    return environment.is_healthy


def _cut_postgres(environment: Environment, seconds: float) -> RecoveryCheck:
    _cut_repeatedly(_postgres(environment).proxy, seconds)
    return environment.is_healthy


def _fail_over(environment: Environment, seconds: float) -> RecoveryCheck:
    pair = _postgres(environment)
    pair.fail_over()
    time.sleep(seconds)
    pair.rebuild_standby()
    return environment.is_healthy


_UNAVAILABLE = frozenset({503})
POSTGRESQL = (
    Fault(
        "PostgreSQL hangs (paused)",
        lasting(
            lambda environment: _postgres(environment).container.pause(),
            lambda environment: _postgres(environment).container.unpause(),
            _healthy,
        ),
        _UNAVAILABLE,
    ),
    Fault(
        "PostgreSQL is stopped",
        lasting(
            lambda environment: _postgres(environment).container.stop(),
            lambda environment: _postgres(environment).container.start(),
            _healthy,
        ),
        _UNAVAILABLE,
    ),
    Fault(
        "PostgreSQL hangs (proxy)",
        lasting(
            lambda environment: _postgres(environment).proxy.set("hang"),
            lambda environment: _postgres(environment).proxy.set("pass"),
            _healthy,
        ),
        _UNAVAILABLE,
    ),
    Fault("PostgreSQL connections are cut repeatedly", _cut_postgres, _UNAVAILABLE),
    Fault("PostgreSQL fails over", _fail_over, _UNAVAILABLE),
)
