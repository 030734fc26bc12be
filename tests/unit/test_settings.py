from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathops.errors import StartupError
from mathops.settings import Settings, load
from mathops.settings_source import env_name, redacted


def startup_error(**environ: str) -> str:
    with pytest.raises(StartupError) as caught:
        load(environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_settings_without_variables_have_their_defaults() -> None:
    loaded = load({"HOME": "/root", "PORT": "1"})

    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}
    assert list(loaded.sources) == list(Settings.model_fields)


def test_a_variable_sets_its_setting_and_is_reported_as_its_source() -> None:
    loaded = load({"MATHOPS_HTTP_PORT": "8080", "MATHOPS_DATA_DIR": "/data", "MATHOPS_LOG_LEVEL": "debug"})

    assert (loaded.settings.http_port, loaded.settings.data_dir) == (8080, Path("/data"))
    assert loaded.sources["http_port"] == "MATHOPS_HTTP_PORT"
    assert loaded.sources["workers"] == "default"


def test_an_empty_variable_means_the_default() -> None:
    loaded = load({"MATHOPS_HTTP_PORT": "", "MATHOPS_USERS_FILE": "", "MATHOPS_DATABASE_URL_FILE": ""})

    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}


def test_a_value_is_read_from_a_file_and_stripped(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:////data/x.db\n")

    loaded = load({"MATHOPS_DATABASE_URL_FILE": str(secret)})

    assert loaded.settings.database_url == "sqlite:////data/x.db"
    assert loaded.sources["database_url"] == "MATHOPS_DATABASE_URL_FILE"


@pytest.mark.parametrize("name", ["users_file", "keys_file", "log_file"])
def test_settings_that_end_in_file_are_paths(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "path"
    secret.write_text("/etc/one\n")

    assert getattr(load({env_name(name): "/etc/one"}).settings, name) == Path("/etc/one")
    assert getattr(load({f"{env_name(name)}_FILE": str(secret)}).settings, name) == Path("/etc/one")


def test_an_empty_file_means_the_default(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert load({"MATHOPS_HTTP_PORT_FILE": str(tmp_path / "empty")}).settings == Settings()


def test_a_value_and_a_file_for_the_same_setting_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1")
    text = startup_error(MATHOPS_HTTP_PORT="2", MATHOPS_HTTP_PORT_FILE=str(tmp_path / "port"))

    assert text == "MATHOPS_HTTP_PORT_FILE: MATHOPS_HTTP_PORT is set too; keep one of them"


def test_an_unreadable_file_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")

    assert "MATHOPS_HTTP_PORT_FILE: cannot read /nowhere: " in startup_error(MATHOPS_HTTP_PORT_FILE="/nowhere")
    assert "cannot read" in startup_error(MATHOPS_HTTP_PORT_FILE=str(tmp_path))
    assert "cannot read" in startup_error(MATHOPS_HTTP_PORT_FILE=str(tmp_path / "bytes"))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MATHOPS_WORKRS", "MATHOPS_WORKERS"),
        ("MATHOPS_HTTP_PROT", "MATHOPS_HTTP_PORT"),
        ("MATHOPS_DATABSE_URL_FILE", "MATHOPS_DATABASE_URL"),
    ],
)
def test_a_misspelled_variable_is_rejected_with_the_nearest_name(name: str, nearest: str) -> None:
    assert startup_error(**{name: "1"}) == f"{name} is not a setting; did you mean {nearest}?"


def test_an_unknown_variable_is_rejected_even_if_empty() -> None:
    assert startup_error(MATHOPS_QQQQQQ="") == "MATHOPS_QQQQQQ is not a setting"


def test_all_invalid_values_are_reported_at_once() -> None:
    text = startup_error(MATHOPS_WORKERS="many", MATHOPS_HTTP_PORT="70000", MATHOPS_LOG_LEVEL="loud")

    assert all(f"MATHOPS_{name}: " in text for name in ("WORKERS", "HTTP_PORT", "LOG_LEVEL"))


def test_conflicting_limits_are_rejected() -> None:
    text = startup_error(MATHOPS_JSON_DIGITS="1000", MATHOPS_TEXT_DIGITS="999")

    assert text == "MATHOPS_TEXT_DIGITS must be at least MATHOPS_JSON_DIGITS"


SASL = {"MATHOPS_KAFKA_SECURITY": "sasl_ssl", "MATHOPS_KAFKA_USERNAME": "u", "MATHOPS_KAFKA_PASSWORD": "p"}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"SECURITY": "sasl_ssl"}, "MATHOPS_KAFKA_SECURITY with SASL needs MATHOPS_KAFKA_USERNAME and"),
        ({"SECURITY": "sasl_plaintext", "USERNAME": "u"}, "MATHOPS_KAFKA_SECURITY with SASL needs"),
        ({"SECURITY": "ssl", "USERNAME": "u"}, "MATHOPS_KAFKA_PASSWORD need MATHOPS_KAFKA_SECURITY with SASL"),
        ({"PASSWORD": "p4ss"}, "MATHOPS_KAFKA_PASSWORD need MATHOPS_KAFKA_SECURITY with SASL"),
        ({"CA_FILE": "/ca.pem"}, "need MATHOPS_KAFKA_SECURITY with TLS"),
        ({"SECURITY": "plaintext", "CERTIFICATE_FILE": "/own.pem"}, "need MATHOPS_KAFKA_SECURITY with TLS"),
        ({"SECURITY": "ssl", "KEY_FILE": "/key.pem"}, "MATHOPS_KAFKA_KEY_FILE needs MATHOPS_KAFKA_CERTIFICATE_FILE"),
        ({"SECURITY": "tls"}, "MATHOPS_KAFKA_SECURITY: Input should be 'plaintext', 'ssl'"),
        ({"SASL_MECHANISM": "SCRAM"}, "MATHOPS_KAFKA_SASL_MECHANISM: Input should be 'PLAIN'"),
    ],
)
def test_conflicting_kafka_settings_are_rejected(values: dict[str, str], text: str) -> None:
    message = startup_error(**{f"MATHOPS_KAFKA_{name}": value for name, value in values.items()})

    assert text in message
    assert "p4ss" not in message


@pytest.mark.parametrize("brokers", ["kafka://one:9092", "one:port", "one:9092,", "one two", ":9092", "one:9092:1"])
def test_invalid_broker_addresses_are_rejected(brokers: str) -> None:
    assert startup_error(MATHOPS_KAFKA_BROKERS=brokers).startswith("MATHOPS_KAFKA_BROKERS: write host:port")


@pytest.mark.parametrize("brokers", ["one", "one:9092, two.example:9093", "10.0.0.1:9092,[fd00::1]:9092"])
def test_brokers_are_comma_separated_addresses(brokers: str) -> None:
    assert load({"MATHOPS_KAFKA_BROKERS": brokers, **SASL}).settings.kafka_brokers == brokers


@pytest.mark.parametrize("path", ["mathops", "/", "/a/", "//a", "/a//b", "/../a", "/a b", "https://a.example", "/%61"])
def test_a_root_path_is_an_absolute_path(path: str) -> None:
    assert startup_error(MATHOPS_ROOT_PATH=path).startswith("MATHOPS_ROOT_PATH: write a path such as /mathops")


@pytest.mark.parametrize(
    "origins",
    [
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://App.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://*.app.example",
        "https://user@app.example",
        "https://a.example,",
        "https://a.example https://b.example",
        "https://a.example,*",
        "null",
    ],
)
def test_origins_that_no_browser_sends_are_rejected(origins: str) -> None:
    assert startup_error(MATHOPS_CORS_ORIGINS=origins).startswith("MATHOPS_CORS_ORIGINS: write * alone, or origins")


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        ("", []),
        ("*", ["*"]),
        ("https://app.example, http://localhost:3000", ["https://app.example", "http://localhost:3000"]),
        ("http://127.0.0.1:8000,http://[::1]:8000", ["http://127.0.0.1:8000", "http://[::1]:8000"]),
        ("chrome-extension://abcdef", ["chrome-extension://abcdef"]),
        ("http://app.example:443", ["http://app.example:443"]),
    ],
)
def test_origins_are_comma_separated(origins: str, allowed: list[str]) -> None:
    assert load({"MATHOPS_CORS_ORIGINS": origins}).settings.allowed_origins == allowed


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400", "-1"])
@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.annotation is float])
def test_a_duration_must_be_finite_and_not_negative(name: str, value: str) -> None:
    assert f"{env_name(name)}: " in startup_error(**{env_name(name): value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MATHOPS_PORT", "tcp://10.0.0.1:80"),
        ("MATHOPS_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("MATHOPS_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("MATHOPS_SERVICE_HOST", "10.0.0.1"),
        ("MATHOPS_SERVICE_PORT", "80"),
        ("MATHOPS_SERVICE_PORT_HTTP", "80"),
        ("MATHOPS_REDIS_SERVICE_HOST", "10.0.0.1"),
        ("MATHOPS_REDIS_SERVICE_PORT_TCP_REDIS", "6379"),
        ("MATHOPS_REDIS_PORT", "tcp://10.0.0.1:6379"),
        ("MATHOPS_REDIS_PORT_6379_TCP_PROTO", "tcp"),
        ("MATHOPS_HTTP_PORT", "tcp://[fd00::1]:80"),
        ("MATHOPS_TOKEN", "for the command line"),
        ("MATHOPS_URL", "for the command line"),
    ],
)
def test_variables_injected_by_kubernetes_and_those_of_the_cli_are_ignored(name: str, value: str) -> None:
    assert load({name: value}).settings == Settings()


@pytest.mark.parametrize(("name", "value"), [("MATHOPS_HTP_PORT", "80"), ("MATHOPS_SERVICES_HOST", "10.0.0.1")])
def test_variables_that_resemble_injected_ones_are_rejected(name: str, value: str) -> None:
    assert "is not a setting" in startup_error(**{name: value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (5, "5"),
        (Path("/data"), "/data"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:secret@host/0", "redis://:***@host/0"),
        ("postgresql+psycopg://u:secret@host/db", "postgresql+psycopg://u:***@host/db"),
        ("postgresql://u@host/db", "postgresql://u@host/db"),
        ("postgresql://u:se:c/r@et@host/db", "postgresql://u:***@host/db"),
        (
            "postgresql://host/db?user=u&password=secret&sslmode=require",
            "postgresql://host/db?user=u&password=***&sslmode=require",
        ),
        ("postgresql://host/db?sslPassword=secret", "postgresql://host/db?sslPassword=***"),
    ],
)
def test_passwords_are_redacted(value: object, text: str) -> None:
    assert redacted(value) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=4))
def test_no_part_of_a_password_remains(password: str) -> None:
    assert redacted(f"redis://user:{password}@host:6379/0") == "redis://user:***@host:6379/0"


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().workers = 2  # type: ignore[misc]


def test_json_shows_passwords_only_on_request() -> None:
    settings = load({**SASL, "MATHOPS_KAFKA_PASSWORD": "s3cret"}).settings

    assert "s3cret" not in settings.model_dump_json() + repr(settings)
    assert Settings.model_validate_json(settings.json_with_secrets()) == settings
