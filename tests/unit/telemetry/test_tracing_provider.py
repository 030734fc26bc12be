from pathlib import Path

import pytest
import trustme
from requests.adapters import HTTPAdapter

from mathops.errors import StartupError
from mathops.telemetry import tracing_setup
from mathops.telemetry.tracing_provider import session
from mathops.tls import STRICT

CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE"


def test_the_authority_of_a_collector_may_lack_extensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "ca.pem"))

    made = session()

    assert made is not None
    adapter = made.get_adapter("https://collector")
    assert isinstance(adapter, HTTPAdapter)
    assert not adapter.poolmanager.connection_pool_kw["ssl_context"].verify_flags & STRICT


def test_a_file_without_certificates_ends_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "ca.pem"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318")

    with pytest.raises(StartupError, match="OTEL_"):
        tracing_setup.check()


def test_a_credential_provider_makes_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "ca.pem"))
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER", "absent")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318")

    with pytest.raises(StartupError, match="'absent' not found"):
        tracing_setup.check()
