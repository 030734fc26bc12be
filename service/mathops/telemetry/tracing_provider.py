"""The SDK's provider of spans and their exporter; imported only with tracing, because the SDK takes 60 ms to import."""

import os
from functools import cached_property

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider

from mathops import __version__


class _Resource(Resource):
    """Hashes itself once: the exporter hashes the resource of each span, and the SDK encodes it as JSON for that."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def make_provider() -> tuple[TracerProvider, OTLPSpanExporter]:
    """A provider without a processor, and an exporter, both without a thread."""
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, because the operator's values take precedence.
    defaults = Resource.create({"service.name": "mathops", "service.version": __version__, "process.pid": os.getpid()})
    merged = defaults.merge(OTELResourceDetector().detect())
    resource = _Resource(merged.attributes, merged.schema_url)
    return TracerProvider(resource=resource, shutdown_on_exit=False), OTLPSpanExporter()
