"""Starts tracing as the standard OTEL_* variables configure it; off by default.

On when OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER=otlp is set.
"""

import os
from collections.abc import Mapping

from mathops.errors import StartupError
from mathops.telemetry.tracing import ENDPOINTS, NO_TRACING, AnyTracing, Tracing


def requested(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the OTEL_* variables switch traces on."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    return exporter != "" or any(environ.get(name) for name in ENDPOINTS)


def check() -> None:
    """Raise StartupError for OTEL_* variables with which the service could not trace."""
    if not requested():
        return
    # Building the model takes 50 ms.
    from mathops.telemetry.tracing_variables import check_variables

    check_variables()
    try:
        from mathops.telemetry.tracing_provider import make_provider

        make_provider()
    except Exception as error:  # the SDK does not document its errors
        raise StartupError(f"the OTEL_* variables are invalid: {' '.join(str(error).split())}") from None


def start_tracing() -> AnyTracing:
    """Tracing as the OTEL_* variables configure it; call after fork, because the exporter runs a thread."""
    if not requested():
        return NO_TRACING
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from mathops.telemetry.tracing_provider import make_provider

    provider, exporter = make_provider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)
