"""The standard OTEL_* variables of traces, which the SDK reads itself.

The SDK fails with a stack trace for some malformed values and ignores others with a line in the log.
"""

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, FilePath, ValidationError, model_validator

from mathops.errors import StartupError
from mathops.telemetry.tracing import ENDPOINTS

PROTOCOL = "http/protobuf"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def _check_pairs(text: str) -> str:
    # The value may be a password, which a message must not contain.
    if not all("=" in pair for pair in text.split(",") if pair.strip()):
        raise ValueError("write name=value pairs, separated by commas")
    return text


def _check_detectors(text: str) -> str:
    names = {"*", *entry_points(group="opentelemetry_resource_detector").names}
    if not {name.strip() for name in text.split(",")} - {""} <= names:
        raise ValueError(f"write names of {' '.join(sorted(names))}, separated by commas")
    return text


_Name = BeforeValidator(lambda text: text.strip().lower())
_Pairs = Annotated[str, AfterValidator(_check_pairs)]
_Compression = Annotated[Literal["none", "gzip", "deflate"], _Name]
_Limit = Annotated[int | None, Field(ge=0)]
_Milliseconds = Annotated[int, Field(ge=1)]


class _Variables(BaseModel):
    """The values that have a syntax; an empty variable is valid."""

    traces_sampler: Annotated[
        Literal[
            "always_on",
            "always_off",
            "parentbased_always_on",
            "parentbased_always_off",
            "traceidratio",
            "parentbased_traceidratio",
        ],
        _Name,
    ] = "parentbased_always_on"
    traces_sampler_arg: float = Field(1, ge=0, le=1)
    attribute_count_limit: _Limit = None
    attribute_value_length_limit: _Limit = None
    span_attribute_count_limit: _Limit = None
    span_attribute_value_length_limit: _Limit = None
    span_event_count_limit: _Limit = None
    span_link_count_limit: _Limit = None
    event_attribute_count_limit: _Limit = None
    link_attribute_count_limit: _Limit = None
    bsp_schedule_delay: _Milliseconds = 5000
    bsp_export_timeout: _Milliseconds = 30_000
    bsp_max_queue_size: int = Field(2048, ge=1)
    bsp_max_export_batch_size: int = Field(512, ge=1)
    resource_attributes: _Pairs = ""
    experimental_resource_detectors: Annotated[str, AfterValidator(_check_detectors)] = ""
    exporter_otlp_headers: _Pairs = ""
    exporter_otlp_traces_headers: _Pairs = ""
    exporter_otlp_timeout: float = Field(10, gt=0)
    exporter_otlp_traces_timeout: float = Field(10, gt=0)
    exporter_otlp_compression: _Compression = "none"
    exporter_otlp_traces_compression: _Compression = "none"
    exporter_otlp_certificate: FilePath | None = None
    exporter_otlp_traces_certificate: FilePath | None = None
    exporter_otlp_client_key: FilePath | None = None
    exporter_otlp_traces_client_key: FilePath | None = None
    exporter_otlp_client_certificate: FilePath | None = None
    exporter_otlp_traces_client_certificate: FilePath | None = None

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.bsp_max_export_batch_size > self.bsp_max_queue_size:
            raise ValueError("OTEL_BSP_MAX_EXPORT_BATCH_SIZE (default 512) exceeds OTEL_BSP_MAX_QUEUE_SIZE (2048)")
        return self


def check_variables(environ: Mapping[str, str] = os.environ) -> None:
    """Raise StartupError for variables with which no span could be exported."""
    exporter = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter != "otlp":
        raise StartupError(f"OTEL_TRACES_EXPORTER: write otlp or none, not {exporter!r}")
    for name in _PROTOCOLS:
        if (protocol := environ.get(name) or PROTOCOL) != PROTOCOL:
            raise StartupError(f"{name}: write {PROTOCOL}, which collectors accept on port 4318, not {protocol!r}")
    for name in ENDPOINTS:
        if (endpoint := environ.get(name)) and not endpoint.startswith(("http://", "https://")):
            raise StartupError(f"{name}: write a URL such as http://collector:4318, not {endpoint!r}")
    try:
        _Variables.model_validate(dict(_values(environ)))
    except ValidationError as error:
        raise StartupError("; ".join(_sentence(entry) for entry in error.errors())) from None


def _values(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _Variables.model_fields:
        if value := environ.get(_variable(name), "").strip():
            yield name, value


def _variable(name: str) -> str:
    return f"OTEL_{name.upper()}"


def _sentence(entry: Any) -> str:
    message = str(entry["msg"]).removeprefix("Value error, ")
    return f"{_variable(entry['loc'][0])}: {message}" if entry["loc"] else message
