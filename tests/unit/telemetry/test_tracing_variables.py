from pathlib import Path

import pytest
from opentelemetry.sdk import environment_variables

from mathops.errors import StartupError
from mathops.telemetry import tracing_setup
from mathops.telemetry.tracing_setup import requested
from mathops.telemetry.tracing_variables import check_variables

ON = {"OTEL_TRACES_EXPORTER": "otlp"}
# Of other signals and exporters, or of the SDK's own configuration, which the service does not use.
UNUSED = ("LOGS", "LOGRECORD", "METRIC", "BLRP", "ZIPKIN", "PROMETHEUS", "CONFIG_FILE", "CONFIGURATOR", "LOG_LEVEL")
# Any text is valid, or no text stops the SDK.
FREE = {
    "OTEL_SERVICE_NAME",
    "OTEL_SDK_DISABLED",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
}
VARIABLES = sorted(
    name
    for name in vars(environment_variables)
    if name.startswith("OTEL_") and not any(part in name for part in UNUSED) and name not in FREE
)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "mathops"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)
def test_the_standard_variables_switch_traces_on_and_off(variables: dict[str, str], *, wanted: bool) -> None:
    assert requested(variables) is wanted


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector"},
    ],
)
def test_valid_export_is_accepted(variables: dict[str, str]) -> None:
    check_variables(variables)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    ],
)
def test_an_export_that_cannot_work_is_an_error_that_names_the_variable(variables: dict[str, str], named: str) -> None:
    with pytest.raises(StartupError, match=f"^{named}: "):
        check_variables(variables)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_malformed_variable_of_the_sdk_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(StartupError) as raised:
        check_variables({**ON, name: "malformed"})

    assert str(raised.value).startswith(f"{name}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,secret"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file"),
    ],
)
def test_a_value_out_of_bounds_is_an_error_without_the_value(name: str, value: str) -> None:
    with pytest.raises(StartupError, match=f"^{name}: ") as raised:
        check_variables({**ON, name: value})

    assert "secret" not in str(raised.value)


def test_a_batch_larger_than_the_queue_is_an_error() -> None:
    with pytest.raises(StartupError, match=r"OTEL_BSP_MAX_EXPORT_BATCH_SIZE .* exceeds OTEL_BSP_MAX_QUEUE_SIZE"):
        check_variables({**ON, "OTEL_BSP_MAX_QUEUE_SIZE": "100"})


def test_all_invalid_variables_are_named_at_once() -> None:
    with pytest.raises(StartupError, match=r"^OTEL_TRACES_SAMPLER: .*; OTEL_BSP_EXPORT_TIMEOUT: "):
        check_variables({**ON, "OTEL_TRACES_SAMPLER": "often", "OTEL_BSP_EXPORT_TIMEOUT": "long"})


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_is_valid(name: str) -> None:
    check_variables({**ON, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "ParentBased_TraceIDRatio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process, os"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test, team = a%20b,"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", str(Path(__file__))),
    ],
)
def test_a_valid_value_is_accepted(name: str, value: str) -> None:
    check_variables({**ON, name: value})


def test_without_traces_no_variable_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "many")

    tracing_setup.check()
