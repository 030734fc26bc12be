"""Every setting in one table: name, type, default and description."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from mathops.errors import StartupError
from mathops.settings_source import env_name, read_environment

_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+)(:\d{1,5})?")
# No dot at the start of a segment, no escapes: these could lead to another folder or host.
PATH_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
# As browsers write it in the Origin header.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d{1,5})?")
_DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")
_MIB = 1024 * 1024


class Settings(BaseModel):
    """All settings; times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    http_host: str = Field("127.0.0.1", description="listen address; ::, every IPv4 and IPv6 address, in the image")
    http_port: int = Field(5000, ge=0, le=65535, description="listen port")
    workers: int = Field(1, ge=1, le=64, description="number of web worker processes")
    root_path: str = Field("", description="path prefix under which a proxy serves the service, such as /mathops")
    cors_origins: str = Field(
        "", description="origins of web pages that may call the service, https://app.example,…; * for any; empty: none"
    )
    image_revision: str = Field("unknown", description="commit of the image, shown by /version; set by the image")
    image_created: str = Field(
        "unknown", description="time of the build or of its commit, shown by /version; set by the image"
    )
    shutdown_delay_seconds: float = Field(0, ge=0, description="after SIGTERM, time to serve while /readyz is draining")
    shutdown_timeout_seconds: float = Field(10, gt=0, description="after that delay, time for open requests to finish")

    data_dir: Path = Field(Path("data"), description="folder of the journal, keys and request log by default")
    database_url: str = Field("", description="SQLAlchemy URL of the journal; empty: mathops.db in the data folder")
    journal_timeout_seconds: float = Field(5, gt=0, description="commit timeout (503)")
    record_digits: int = Field(1000, ge=1, le=100_000, description="longer results are recorded by their SHA-256 only")
    retention_days: float = Field(0, ge=0, description="maximum age of journal rows; 0: unlimited")
    retention_rows: int = Field(0, ge=0, description="approximate maximum number of journal rows; 0: unlimited")
    log_file: Path | None = Field(None, description="request log; empty: requests.log in the data folder")
    log_file_bytes: int = Field(10 * _MIB, ge=1024, description="size of a request log before it rotates")
    log_file_backups: int = Field(5, ge=1, description="number of rotated request logs to keep")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="minimum level on stderr")
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else JSON")

    keys_file: Path | None = Field(None, description="signing keys (JWK Set); empty: keys.json in the data folder")
    users_file: Path | None = Field(None, description="lines name:argon2id-hash:scopes; empty: demo, any name logs in")
    clients_file: Path | None = Field(None, description="OAuth clients, lines as in the users file; empty: no /token")
    issuers_file: Path | None = Field(None, description="external issuers, YAML or JSON (docs/issuers.md); empty: none")
    token_issuer: str = Field("mathops", min_length=1, description="iss claim; an https URL for OAuth metadata")
    token_audience: str = Field("mathops", min_length=1, description="aud claim of issued and accepted tokens")
    token_lifetime_seconds: int = Field(3600, ge=1, le=31 * 86400, description="lifetime of issued tokens")
    token_leeway_seconds: int = Field(10, ge=0, le=30, description="clock difference tolerated in exp, iat and nbf")
    metrics_scope: Literal["", "metrics"] = Field("", description="scope that /metrics requires; empty: no token")

    redis_url: str = Field("", description="redis[s]://user:password@host:6379/0 for shared state; empty: memory")
    redis_timeout_seconds: float = Field(0.1, ge=0.01, le=1, description="timeout; requests continue without Redis")

    kafka_brokers: str = Field("", description="Kafka brokers, host:port,…; empty: records are not published")
    kafka_topic: str = Field("math-requests", min_length=1, description="topic of the records")
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        "plaintext", description="security protocol of the brokers"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism of the brokers"
    )
    kafka_username: str = Field("", description="SASL user")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password")
    kafka_ca_file: Path | None = Field(None, description="CA certificates of the brokers; empty: the system's")
    kafka_certificate_file: Path | None = Field(None, description="client certificate, if the brokers require one")
    kafka_key_file: Path | None = Field(None, description="private key of the client certificate")

    cache_ttl_seconds: float = Field(60, gt=0, description="time to live of a cached result")
    cache_bytes: int = Field(32 * _MIB, ge=0, description="size of the in-process cache")
    cache_value_bytes: int = Field(256 * 1024, ge=0, description="longer results are not cached")

    json_digits: int = Field(1_000_000, ge=1, description="maximum digits of a JSON result")
    text_digits: int = Field(6_000_000, ge=1, description="maximum digits of a text/plain result")
    inline_digits: int = Field(2000, ge=0, le=4000, description="results up to this size and cost are computed inline")
    compute_workers: int = Field(
        0, ge=0, description="computing processes per web worker; 0: usable cores / web workers"
    )
    compute_queue: int = Field(0, ge=0, description="maximum queued computations; 0: twice the computing processes")
    compute_deadline_seconds: float = Field(2, gt=0, description="time limit of a computation, queue included (504)")
    compute_memory_bytes: int = Field(384 * _MIB, ge=128 * _MIB, description="address space per computation (Linux)")

    quota_requests: str = Field("", description="requests per user, such as 600/minute; empty: unlimited")
    quota_compute: str = Field("", description="predicted compute ms per user, such as 30000/minute; empty: unlimited")
    quota_unauthenticated: str = Field(
        "120/minute", description="rejected tokens of one client address; empty: unlimited"
    )
    quota_login: str = Field(
        "10/minute", description="password logins, and failures of OAuth clients, by address and name"
    )

    url_bytes: int = Field(8192, ge=256, description="maximum length of path and query (414)")
    header_bytes: int = Field(32768, ge=1024, description="maximum total size of the request headers (431)")
    body_bytes: int = Field(65536, ge=256, description="maximum size of a request body (413)")
    read_timeout_seconds: float = Field(10, gt=0, description="time limit of a body (408) or head (connection closes)")
    write_timeout_seconds: float = Field(60, gt=0, description="maximum pause of a client in reading a response")
    connections: int = Field(900, ge=1, description="maximum connections per web worker (503), below `ulimit -n`")

    @model_validator(mode="after")
    def _check_conflicts(self) -> Self:
        if conflicts := [sentence for conflict, sentence in self._conflicts() if conflict]:
            raise ValueError("; ".join(conflicts))
        return self

    def _conflicts(self) -> Iterator[tuple[object, str]]:
        yield self.text_digits < self.json_digits, "MATHOPS_TEXT_DIGITS must be at least MATHOPS_JSON_DIGITS"
        valid_prefix = not self.root_path or PATH_PREFIX.fullmatch(self.root_path)
        yield not valid_prefix, "MATHOPS_ROOT_PATH: write a path such as /mathops, without a slash at its end"
        origins = self.allowed_origins
        all_valid = origins == ["*"] or all(_ORIGIN.fullmatch(o) and not _DEFAULT_PORT.fullmatch(o) for o in origins)
        form = "in lower case, without a path or a default port"
        yield not all_valid, f"MATHOPS_CORS_ORIGINS: write * alone, or origins such as https://app.example,… {form}"
        brokers = [address.strip() for address in self.kafka_brokers.split(",")]
        invalid = self.kafka_brokers and not all(map(_BROKER.fullmatch, brokers))
        yield invalid, "MATHOPS_KAFKA_BROKERS: write host:port,host:port, without a scheme"
        account = "MATHOPS_KAFKA_USERNAME and MATHOPS_KAFKA_PASSWORD"
        sasl = self.kafka_security.startswith("sasl")
        credentials = self.kafka_username, self.kafka_password
        yield sasl and not all(credentials), f"MATHOPS_KAFKA_SECURITY with SASL needs {account}"
        yield not sasl and any(credentials), f"{account} need MATHOPS_KAFKA_SECURITY with SASL, such as sasl_ssl"
        unencrypted = (self.kafka_ca_file or self.kafka_certificate_file or self.kafka_key_file) and not self.kafka_tls
        yield unencrypted, "certificate files of MATHOPS_KAFKA_* need MATHOPS_KAFKA_SECURITY with TLS, ssl or sasl_ssl"
        key_only = self.kafka_key_file and not self.kafka_certificate_file
        yield key_only, "MATHOPS_KAFKA_KEY_FILE needs MATHOPS_KAFKA_CERTIFICATE_FILE"

    def json_with_secrets(self) -> bytes:
        """All settings with passwords in clear text, for a child process over a private socket."""
        secrets = {"kafka_password": self.kafka_password.get_secret_value()}
        return json.dumps({**self.model_dump(mode="json"), **secrets}).encode()

    @property
    def allowed_origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",")] if self.cors_origins else []

    @property
    def kafka_tls(self) -> bool:
        return self.kafka_security.endswith("ssl")

    @property
    def journal_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'mathops.db'}"

    @property
    def keys_path(self) -> Path:
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def log_path(self) -> Path:
        return self.log_file or self.data_dir / "requests.log"

    @property
    def demo(self) -> bool:
        """Whether anyone can log in without a password."""
        return self.users_file is None


class LoadedSettings(NamedTuple):
    """Settings, and the variable (or `default`) that each came from."""

    settings: Settings
    sources: dict[str, str]


def load(environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Read the settings; raises StartupError, which names every invalid variable."""
    values, sources = read_environment(environ, Settings.model_fields)
    try:
        settings = Settings.model_validate(values)
        return LoadedSettings(settings, {**dict.fromkeys(Settings.model_fields, "default"), **sources})
    except ValidationError as error:
        raise StartupError("; ".join(_sentence(entry["loc"], entry["msg"]) for entry in error.errors())) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    return f"{env_name(str(location[0]))}: {message}" if location else message.removeprefix("Value error, ")
