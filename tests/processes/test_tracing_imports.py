import os
import subprocess
import sys


def test_a_service_without_traces_never_loads_the_exporter() -> None:
    script = (
        "import sys, mathops.server.web_worker, mathops.bootstrap;"
        "print(any(name.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter')) for name in sys.modules))"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"


def test_a_propagator_that_is_not_installed_is_ignored() -> None:
    script = "from mathops.telemetry import tracing_setup; tracing_setup.start_tracing().stop(0)"

    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OTEL_TRACES_EXPORTER": "otlp", "OTEL_PROPAGATORS": "b3"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
