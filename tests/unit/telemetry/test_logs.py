import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from mathops.identity.client_keys import credential
from mathops.identity.clients_file import add_key
from mathops.identity.oauth_documents import ASSERTION_TYPE
from mathops.telemetry import logs
from mathops.telemetry.tracing import Tracing
from tests.conftest import World
from tests.unit.telemetry.operations import FAILING


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Restore the configuration of logging."""
    root = logging.getLogger()
    handlers, level, show = root.handlers[:], root.level, warnings.showwarning
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    warnings.showwarning = show


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_lines_and_those_of_libraries_have_one_format(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    logs.get_logger("ours").info("it runs", path="/data")
    logging.getLogger("library").warning("%d things", 3)

    ours, library = written(capsys)
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {"event": "it runs", "level": "info", "logger": "ours", "path": "/data"}
    assert library.pop("timestamp").endswith("Z")
    assert library == {"event": "3 things", "level": "warning", "logger": "library"}


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")

    logs.get_logger("ours").info("no")
    logging.getLogger("library").info("no")
    logs.get_logger("ours").warning("yes")

    assert [line["event"] for line in written(capsys)] == ["yes"]


def test_a_stack_trace_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("library").exception("failed")

    (line,) = written(capsys)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("RuntimeError: broken")


def test_a_stack_trace_on_a_terminal_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logs.configure("info", "text")

    secret = tmp_path.name
    try:
        raise RuntimeError(len(secret))
    except RuntimeError:
        logs.get_logger("ours").exception("failed")

    text = capsys.readouterr().err
    assert f"RuntimeError: {len(secret)}" in text
    assert secret not in text


def test_a_python_warning_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("deprecated", stacklevel=1)

    (line,) = written(capsys)
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "deprecated" in line["event"]


def test_every_line_of_a_traced_request_names_its_trace(
    capsys: pytest.CaptureFixture[str], make_world: Callable[..., World], tracing: Tracing
) -> None:
    world = make_world(operations=[FAILING], tracing=tracing)
    logs.configure("info", "json")

    response = world.get("/fail?n=13")
    logging.getLogger("library").info("outside")

    inside, outside = (line for line in written(capsys) if line["logger"] != "httpx2")
    assert inside["trace_id"] == response.json()["trace_id"]
    assert "trace_id" not in outside


def test_a_failing_request_is_logged_once_with_its_stack_trace_and_request_id(
    capsys: pytest.CaptureFixture[str], make_world: Callable[..., World]
) -> None:
    world = make_world(operations=[FAILING])
    logs.configure("info", "json")

    response = world.get("/fail?n=13", x_request_id="find-me")

    (line,) = (line for line in written(capsys) if "exception" in line)
    assert line["request_id"] == response.json()["request_id"] == "find-me"
    assert line["exception"].endswith("RuntimeError: broken")
    assert "broken" not in response.text


def test_every_line_of_a_request_has_its_id(
    capsys: pytest.CaptureFixture[str], make_world: Callable[..., World], tmp_path: Path
) -> None:
    key = ECKey.generate_key("P-256")
    add_key(tmp_path / "clients", "envoy", ["math"], credential(key.as_pem(private=False).decode()))
    world = make_world(clients_file=tmp_path / "clients", token_issuer="https://math.example.com")
    logs.configure("info", "json")
    form = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode({"alg": "ES256"}, {"sub": "envoy"}, key),
    }

    for name in ("first", "second"):
        world.client.post("/token", data={**form, "grant_type": "client_credentials"}, headers={"X-Request-ID": name})
    logging.getLogger("library").info("outside")

    lines = [(line["event"], line.get("request_id")) for line in written(capsys) if line["logger"] != "httpx2"]
    rejected = "client assertion rejected"
    assert lines == [(rejected, "first"), (rejected, "second"), ("outside", None)]


def test_a_rejected_request_is_not_logged(capsys: pytest.CaptureFixture[str], world: World) -> None:
    logs.configure("info", "json")

    world.get("/pow?base=x")

    assert not [line for line in written(capsys) if line["logger"].startswith("mathops")]
