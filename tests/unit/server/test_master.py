import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from gunicorn.glogging import Logger

from mathops.errors import StartupError
from mathops.journal.supervision import journal_process
from mathops.server import master
from mathops.server.web_worker import WebWorker
from mathops.settings import Settings


def test_prepare_creates_journal_keys_and_log_and_is_idempotent(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "folder")

    master.prepare(settings)
    keys = settings.keys_path.read_bytes()
    master.prepare(settings)

    assert settings.keys_path.read_bytes() == keys
    assert {"mathops.db", "requests.log"} <= {path.name for path in settings.data_dir.iterdir()}


@pytest.mark.parametrize(
    "values",
    [
        {"quota_requests": "often"},
        {"redis_url": "http://localhost"},
        {"users_file": Path("/no/such/file")},
        {"issuers_file": Path("/no/such/file")},
        {"log_file": Path("/dev/null/requests.log")},
        {"database_url": "sqlite:////dev/null/mathops.db"},
        {"database_url": "postgresql://alice:secret@127.0.0.1:1/mathops"},
        {"keys_file": Path("/dev/null/keys.json")},
        {"kafka_security": "ssl", "kafka_ca_file": Path("/no/such/file")},
    ],
    ids=lambda values: next(iter(values)),
)
def test_prepare_rejects_invalid_settings_in_one_line(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(StartupError) as raised:
        master.prepare(Settings(data_dir=tmp_path, **values))

    assert "\n" not in str(raised.value)


def test_a_web_worker_has_the_settings_of_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(shutdown_delay_seconds=3)
    monkeypatch.setenv("MATHOPS_SHUTDOWN_DELAY_SECONDS", "1")
    application = master.Gunicorn(settings, [], journal_process(settings))

    worker = WebWorker(0, os.getppid(), [], application, 30, application.cfg, Logger(application.cfg))

    worker.tmp.close()
    application.journal.stop(0)
    assert worker.delay == 3
    assert isinstance(worker.config.http, partial)
    assert worker.config.http.args == (settings,)


@pytest.mark.parametrize("trusted", ["10.0.0.1/8", "ingress.example", "10.0.0.0/33", "127.0.0.1,x"])
def test_prepare_names_the_variable_of_an_invalid_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)

    with pytest.raises(StartupError, match="FORWARDED_ALLOW_IPS: "):
        master.prepare(Settings(data_dir=tmp_path))


@pytest.mark.parametrize("trusted", ["*", "127.0.0.1", "10.0.0.0/8, fd00::/8", ""])
def test_prepare_accepts_addresses_networks_and_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)

    master.prepare(Settings(data_dir=tmp_path))
