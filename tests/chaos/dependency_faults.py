"""Faults of Redis and Kafka, which must not change any response, and of PostgreSQL, which holds the journal."""

import time
from collections.abc import Callable

from tests.chaos.environment import Environment, holds
from tests.chaos.faults import SOON_SECONDS, Fault, Inject, RecoveryCheck, lasting
from tests.chaos.postgres_pair import PostgresPair
from tests.integration.services.containers import Container
from tests.support.proxy import FaultProxy, Mode

_UNAVAILABLE = frozenset({503})

ContainerOf = Callable[[Environment], Container]
ProxyOf = Callable[[Environment], FaultProxy]
Recovery = Callable[[Environment], RecoveryCheck]


def _paused(container: ContainerOf, recovered: Recovery) -> Inject:
    return lasting(lambda service: container(service).pause(), lambda service: container(service).unpause(), recovered)


def _stopped(container: ContainerOf, recovered: Recovery) -> Inject:
    return lasting(lambda service: container(service).stop(), lambda service: container(service).start(), recovered)


def _proxied(proxy: ProxyOf, mode: Mode, recovered: Recovery) -> Inject:
    return lasting(lambda service: proxy(service).set(mode), lambda service: proxy(service).set("pass"), recovered)


def _redis(environment: Environment) -> Container:
    return environment.redis


def _redis_proxy(environment: Environment) -> FaultProxy:
    return environment.redis_proxy


def _kafka(environment: Environment) -> Container:
    return environment.kafka.container


def _kafka_proxy(environment: Environment) -> FaultProxy:
    return environment.kafka.proxy


def _pair(environment: Environment) -> PostgresPair:
    assert environment.journal.pair is not None
    return environment.journal.pair


def _postgres(environment: Environment) -> Container:
    return _pair(environment).container


def _postgres_proxy(environment: Environment) -> FaultProxy:
    return _pair(environment).proxy


def _healthy(environment: Environment) -> RecoveryCheck:
    return environment.is_healthy


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


def _cut_postgres(environment: Environment, seconds: float) -> RecoveryCheck:
    _cut_repeatedly(_postgres_proxy(environment), seconds)
    return environment.is_healthy


def _fail_over(environment: Environment, seconds: float) -> RecoveryCheck:
    pair = _pair(environment)
    pair.fail_over()
    time.sleep(seconds)
    pair.rebuild_standby()
    return environment.is_healthy


REDIS = (
    Fault("Redis hangs (paused)", _paused(_redis, _redis_used)),
    Fault("Redis is stopped", _stopped(_redis, _redis_used)),
    Fault("Redis replies are corrupted", _proxied(_redis_proxy, "garble", _redis_used)),
)
KAFKA = (
    Fault("Kafka hangs (paused)", _paused(_kafka, _published)),
    Fault("Kafka hangs (proxy)", _proxied(_kafka_proxy, "hang", _published)),
    Fault("Kafka refuses connections", _proxied(_kafka_proxy, "refuse", _published)),
    Fault("Kafka connections are cut repeatedly", _cut_kafka),
    Fault("Kafka hangs, relay killed", _kill_relay, _UNAVAILABLE),
)
POSTGRESQL = (
    Fault("PostgreSQL hangs (paused)", _paused(_postgres, _healthy), _UNAVAILABLE),
    Fault("PostgreSQL is stopped", _stopped(_postgres, _healthy), _UNAVAILABLE),
    Fault("PostgreSQL hangs (proxy)", _proxied(_postgres_proxy, "hang", _healthy), _UNAVAILABLE),
    Fault("PostgreSQL connections are cut repeatedly", _cut_postgres, _UNAVAILABLE),
    Fault("PostgreSQL fails over", _fail_over, _UNAVAILABLE),
)
