"""The SDK's provider of spans and their exporter; imported only with tracing, because the SDK takes 60 ms to import."""

import os
from functools import cached_property
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from requests.adapters import HTTPAdapter

from mathops import __version__
from mathops.tls import client_context

_CERTIFICATES = (OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE, OTEL_EXPORTER_OTLP_CERTIFICATE)
_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
)


class _Resource(Resource):
    """Hashes itself once: the exporter hashes the resource of each span, and the SDK encodes it as JSON for that."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


class _TlsAdapter(HTTPAdapter):
    """Connects by `client_context`; the exporter adds its client certificate."""

    def __init__(self, authorities: str) -> None:
        self._context = client_context(authorities)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)


def session() -> requests.Session | None:
    """For collectors with a private authority, unless a credential provider makes the session.

    Raises OSError for a file without certificates.
    """
    authorities = next(filter(None, map(os.environ.get, _CERTIFICATES)), None)
    if authorities is None or any(map(os.environ.get, _CREDENTIAL_PROVIDERS)):
        return None
    made = requests.Session()
    made.mount("https://", _TlsAdapter(authorities))
    return made


def make_provider() -> tuple[TracerProvider, OTLPSpanExporter]:
    """A provider without a processor, and an exporter, both without a thread."""
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_BSP_") and not value.strip()]:
        # The SDK would log a stack trace.
        del os.environ[name]
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, because the operator's values take precedence.
    defaults = Resource.create({"service.name": "mathops", "service.version": __version__, "process.pid": os.getpid()})
    merged = defaults.merge(OTELResourceDetector().detect())
    resource = _Resource(merged.attributes, merged.schema_url)
    return TracerProvider(resource=resource, shutdown_on_exit=False), OTLPSpanExporter(session=session())
