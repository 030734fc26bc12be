"""Faults of Redis and Kafka; no request may end otherwise for them alone."""

import time

from tests.chaos.faults import SOON_SECONDS, Fault, Well, lasting
from tests.chaos.scene import Scene, holds


def _redis_used(scene: Scene) -> Well:
    return lambda: not scene.doing_without_redis()


def _published(scene: Scene) -> Well:
    return scene.published()


def _cut_again_and_again(scene: Scene, seconds: float) -> Well:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        scene.kafka.proxy.cut()
        time.sleep(0.3)
    return scene.published()


def _kill_relay(scene: Scene, seconds: float) -> Well:
    # A relay that is connected and at work.
    holds(scene.published(), SOON_SECONDS)
    scene.kafka.proxy.set("hang")
    try:
        time.sleep(seconds)
        if relay := scene.relay():
            relay.kill()
        # What it sent meanwhile never arrives.
        scene.kafka.proxy.cut()
    finally:
        scene.kafka.proxy.set("pass")
    return scene.published()


REDIS = (
    Fault(
        "Redis hangs (paused)",
        lasting(lambda scene: scene.redis.pause(), lambda scene: scene.redis.unpause(), _redis_used),
    ),
    Fault(
        "Redis is stopped", lasting(lambda scene: scene.redis.stop(), lambda scene: scene.redis.start(), _redis_used)
    ),
    Fault(
        "Redis is garbled",
        lasting(
            lambda scene: scene.redis_proxy.set("garble"), lambda scene: scene.redis_proxy.set("pass"), _redis_used
        ),
    ),
)
KAFKA = (
    Fault(
        "Kafka hangs (paused)",
        lasting(lambda scene: scene.kafka.container.pause(), lambda scene: scene.kafka.container.unpause(), _published),
    ),
    Fault(
        "Kafka hangs (proxy)",
        lasting(lambda scene: scene.kafka.proxy.set("hang"), lambda scene: scene.kafka.proxy.set("pass"), _published),
    ),
    Fault(
        "Kafka refuses",
        lasting(lambda scene: scene.kafka.proxy.set("refuse"), lambda scene: scene.kafka.proxy.set("pass"), _published),
    ),
    Fault("Kafka is cut again and again", _cut_again_and_again),
    Fault("Kafka hangs, relay killed", _kill_relay, frozenset({503})),
)
