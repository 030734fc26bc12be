"""A real Redis."""

import trustme

from tests.integration.services import certificates
from tests.integration.services.containers import REDIS, Container
from tests.support.server import free_port

PORT, TLS_PORT = 6379, 6380

_START = f"""{certificates.WRITE}
exec redis-server --port {PORT} --tls-port {TLS_PORT} --protected-mode no --save "" --tls-auth-clients no \\
  --tls-ca-cert-file /tmp/tls/authority.pem --tls-cert-file /tmp/tls/certificate.pem --tls-key-file /tmp/tls/key.pem
"""


def start(authority: trustme.CA) -> Container:
    """Redis, ready, with TLS at a port of its own."""
    environment = certificates.environment(authority)
    ports = {inside: free_port() for inside in (PORT, TLS_PORT)}
    container = Container(REDIS, list(ports), environment=environment, command=["sh", "-c", _START], fixed=ports)
    return container.ready(lambda: container.run("redis-cli", "ping") == "PONG")
