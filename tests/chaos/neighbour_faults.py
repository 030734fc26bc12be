"""Faults of Redis and Kafka; no request may end otherwise for them."""

import time

from tests.chaos.faults import Fault, Well, lasting
from tests.chaos.scene import Scene


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
)
