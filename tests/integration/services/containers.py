"""Containers of the real parts, by the docker command; each takes a free port on loopback."""

import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from tests.support.server import eventually

REDIS = "redis:8"
KAFKA = "apache/kafka:4.3.1"
POSTGRES = "postgres:17"
JAEGER = "jaegertracing/jaeger:2.13.0"
KEYCLOAK = "quay.io/keycloak/keycloak:26.7.3"
PROMETHEUS = "prom/prometheus:v3.16.0"


def docker(*arguments: str, seconds: float = 120) -> str:
    outcome = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
    )
    assert outcome.returncode == 0, f"docker {' '.join(arguments)}: {outcome.stderr or outcome.stdout}"
    return outcome.stdout.strip()


class Container:
    """One container; `ports` are those inside it."""

    def __init__(
        self,
        image: str,
        ports: Sequence[int],
        *,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        fixed: Mapping[int, int] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        fixed = fixed or {}
        published = [f"--publish=127.0.0.1:{fixed.get(port, '')}:{port}" for port in ports]
        variables = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        self.name = f"mathops-test-{uuid.uuid4().hex[:12]}"
        docker("run", "--detach", "--name", self.name, *published, *variables, *options, image, *command)

    def port(self, inside: int) -> int:
        """Where that port is on loopback."""
        return int(docker("port", self.name, str(inside)).splitlines()[0].rsplit(":", 1)[1])

    def run(self, *command: str, seconds: float = 60) -> str:
        """The output of a command inside."""
        return docker("exec", self.name, *command, seconds=seconds)

    def pause(self) -> None:
        """Stop all its processes where they are: it accepts and never answers."""
        docker("pause", self.name)

    def unpause(self) -> None:
        docker("unpause", self.name)

    def stop(self) -> None:
        """Kill it and keep its data."""
        docker("stop", "-t", "0", self.name)

    def start(self) -> None:
        """Start it again after a stop; ports that are not fixed change."""
        docker("start", self.name)

    def restart(self) -> None:
        """Kill it and start it again with its data."""
        docker("restart", "-t", "0", self.name)

    def ready(self, claim: Callable[[], object], seconds: float = 60) -> Self:
        """Wait until `claim` is true; an exception counts as false. Remove a container that does not become ready."""

        def holds() -> bool:
            with suppress(Exception):
                return bool(claim())
            time.sleep(0.2)
            return False

        try:
            eventually(holds, seconds)
        except BaseException:
            self.remove()
            raise
        return self

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
