"""Connections to Kafka: settings, start, stop, and the reasons of failures."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn

from mathops.errors import StartupError
from mathops.settings import Settings
from mathops.tls import client_context

START_SECONDS = 10.0
_STOP_SECONDS = 3.0

Call = Callable[[], Awaitable[None]]


@asynccontextmanager
async def running(client: Any, start: Call, stop: Call, connection: dict[str, Any]) -> AsyncIterator[None]:
    """Starts and stops the owner of `client`; a failure names the addresses, which aiokafka only writes to its log."""
    try:
        try:
            await asyncio.wait_for(start(), START_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"no answer within {START_SECONDS:g} s") from None
        yield
    except (TimeoutError, ConnectionError, errors.KafkaError) as error:
        if unreachable := await _connection_errors(client, connection):
            raise ConnectionError(unreachable) from error
        raise
    finally:
        with suppress(Exception):  # a client that cannot stop ends with its event loop
            await asyncio.wait_for(stop(), _STOP_SECONDS)


async def _connection_errors(client: Any, connection: dict[str, Any]) -> str:
    """The error of a connection to each broker of the cluster, or to each bootstrap server if no broker is known."""
    bootstrap = [(host, port) for host, port, _ in collect_hosts(connection["bootstrap_servers"])]
    addresses = [(broker.host, broker.port) for broker in client.cluster.brokers()] or bootstrap
    others = {name: value for name, value in connection.items() if name != "bootstrap_servers"}

    async def found(host: str, port: int) -> str | None:
        source = "" if (host, port) in bootstrap else " (advertised by a broker)"
        try:
            (await asyncio.wait_for(create_conn(host, port, **others), _STOP_SECONDS)).close()
        except TimeoutError:
            return f"{host}:{port}{source}: no answer within {_STOP_SECONDS:g} s"
        except Exception as error:  # any error is the reason
            return f"{host}:{port}{source}: {error or type(error).__name__}"
        return None

    return "; ".join(filter(None, await asyncio.gather(*[found(*address) for address in sorted(addresses)])))


def connection_settings(settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.kafka_brokers.split(",")],
        "client_id": "mathops",
        "security_protocol": settings.kafka_security.upper(),
        "ssl_context": kafka_ssl_context(settings),
    }
    if settings.kafka_security.startswith("sasl"):
        values["sasl_mechanism"] = settings.kafka_sasl_mechanism
        values["sasl_plain_username"] = settings.kafka_username
        values["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return values


def kafka_ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """Trusted authorities and client certificate; None without TLS. Raises StartupError for unusable files."""
    if not settings.kafka_tls:
        return None
    certificate = settings.kafka_certificate_file
    problem = f"MATHOPS_KAFKA_CA_FILE: cannot read certificates from {settings.kafka_ca_file}"
    try:
        context = client_context(settings.kafka_ca_file)
        if certificate:
            problem = (
                f"MATHOPS_KAFKA_CERTIFICATE_FILE: cannot use {certificate} with MATHOPS_KAFKA_KEY_FILE (unencrypted)"
            )
            # Without a password OpenSSL would prompt for that of an encrypted key.
            context.load_cert_chain(certificate, settings.kafka_key_file, password="")
    except OSError as error:
        raise StartupError(f"{problem}: {error}") from None
    return context
