"""Faults of Redis and Kafka, which must not change any response."""

import time

from tests.chaos.environment import Environment, holds
from tests.chaos.faults import SOON_SECONDS, Fault, RecoveryCheck, lasting


def _redis_used(environment: Environment) -> RecoveryCheck:
    return lambda: not environment.bypasses_redis()


def _published(environment: Environment) -> RecoveryCheck:
    return environment.published()


def _cut_repeatedly(environment: Environment, seconds: float) -> RecoveryCheck:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        environment.kafka.proxy.cut()
        time.sleep(0.3)
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
    Fault("Kafka connections are cut repeatedly", _cut_repeatedly),
    Fault("Kafka hangs, relay killed", _kill_relay, frozenset({503})),
)
