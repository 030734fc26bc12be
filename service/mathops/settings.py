"""Every setting in one table: name, type, default, meaning; read from MATHOPS_* variables.

`MATHOPS_X_FILE` names a file that holds the value of `MATHOPS_X`, as Docker and Kubernetes mount secrets.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_serializer, model_validator

from mathops.errors import StartupError

PREFIX = "MATHOPS_"
# The command line's own, for asking a service.
TOKEN_VARIABLE = "MATHOPS_TOKEN"  # noqa: S105 - the name of a variable
# Kubernetes injects these into every pod of a namespace that has a Service named mathops or mathops-something.
_INJECTED = re.compile(r"MATHOPS_(PORT|PORT_.*|(.+_)?SERVICE_(HOST|PORT|PORT_.*)|.+_PORT_\d+_(TCP|UDP|SCTP)(_.*)?)")
_INJECTED_PORT = re.compile(r"(tcp|udp|sctp)://[0-9a-f.:\[\]]+")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+)(:\d{1,5})?")

MIB = 1024 * 1024


class Settings(BaseModel):
    """All settings; times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    http_host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    http_port: int = Field(5000, ge=0, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="web worker processes")
    shutdown_delay_seconds: float = Field(
        0, ge=0, description="after SIGTERM, answer this long while /readyz says draining"
    )
    shutdown_timeout_seconds: float = Field(10, gt=0, description="then, time for requests under way to end")

    data_dir: Path = Field(Path("data"), description="folder of the files below that have no path of their own")
    database_url: str = Field("", description="SQLAlchemy URL of the journal; empty: mathops.db in the data folder")
    journal_timeout_seconds: float = Field(5, gt=0, description="longest wait for a commit before 503")
    record_digits: int = Field(1000, ge=1, le=100_000, description="longer results are recorded by SHA-256 only")
    retention_days: float = Field(0, ge=0, description="delete older rows of the journal; 0: keep")
    retention_rows: int = Field(0, ge=0, description="keep at most about so many rows of the journal; 0: all")
    log_file: Path | None = Field(None, description="request log; empty: requests.log in the data folder")
    log_file_bytes: int = Field(10 * MIB, ge=1024, description="size at which the request log rotates")
    log_file_backups: int = Field(5, ge=1, description="rotated request logs to keep")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level on stderr")
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else JSON")

    keys_file: Path | None = Field(
        None, description="private signing keys (JWK Set); empty: keys.json in the data folder"
    )
    users_file: Path | None = Field(
        None, description="lines name:argon2id-hash:scopes; empty: anyone may log in (demo)"
    )
    token_issuer: str = Field("mathops", min_length=1, description="iss of tokens made and accepted")
    token_audience: str = Field("mathops", min_length=1, description="aud of tokens made and accepted")
    token_lifetime_seconds: int = Field(3600, ge=1, le=31 * 86400, description="exp - iat of tokens made")
    token_leeway_seconds: int = Field(10, ge=0, le=30, description="clock difference that exp and iat are forgiven")

    redis_url: str = Field(
        "",
        description="Redis of all replicas for cache, quotas and revoked tokens, "
        "redis://user:password@host:6379/0 or rediss://; empty: in this process",
    )
    redis_timeout_seconds: float = Field(0.1, ge=0.01, le=1, description="longest wait for Redis, then without it")
    revocation: Literal["off", "closed", "open"] = Field(
        "off",
        description="POST /logout ends a token; while Redis is away tokens are refused (closed) or accepted (open)",
    )

    kafka_brokers: str = Field("", description="brokers that get every record, host:port,…; empty: none do")
    kafka_topic: str = Field("math-requests", min_length=1, description="topic of the records")
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        "plaintext", description="how the brokers are reached"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how user and password are shown to the brokers"
    )
    kafka_username: str = Field("", description="user at the brokers")
    kafka_password: SecretStr = Field(SecretStr(""), description="password of that user")
    kafka_ca_file: Path | None = Field(None, description="certificates that sign the brokers'; empty: the system's")
    kafka_certificate_file: Path | None = Field(None, description="own certificate, where the brokers ask for one")
    kafka_key_file: Path | None = Field(None, description="its private key")

    cache_ttl_seconds: float = Field(60, gt=0, description="age at which a cached result is dropped")
    cache_bytes: int = Field(32 * MIB, ge=0, description="size of the in-process cache")
    cache_value_bytes: int = Field(256 * 1024, ge=0, description="longer results are not cached")

    json_digits: int = Field(1_000_000, ge=1, description="most digits in a JSON answer")
    text_digits: int = Field(6_000_000, ge=1, description="most digits in a text/plain answer")
    inline_digits: int = Field(2000, ge=0, le=4000, description="results up to this are computed in the web worker")
    compute_workers: int = Field(0, ge=0, description="computing processes of each web worker; 0: cores / web workers")
    compute_queue: int = Field(0, ge=0, description="computations that may wait; 0: twice the computing processes")
    compute_deadline_seconds: float = Field(2, gt=0, description="longest computation, wait included, before 504")
    compute_memory_bytes: int = Field(384 * MIB, ge=128 * MIB, description="address space of a computing process")

    quota_requests: str = Field("", description="requests of one user, such as 600/minute; empty: no limit")
    quota_compute: str = Field(
        "",
        description="predicted milliseconds of computing of one user, such as 30000/minute; empty: no limit",
    )
    quota_unauthenticated: str = Field(
        "120/minute", description="refused tokens and logins by password of one address; empty: no limit"
    )

    url_bytes: int = Field(8192, ge=256, description="longest target (414)")
    header_bytes: int = Field(32768, ge=1024, description="largest header fields, together (431)")
    body_bytes: int = Field(65536, ge=256, description="largest body (413)")
    read_timeout_seconds: float = Field(
        10, gt=0, description="longest wait for a whole body (408), and for a whole head"
    )
    write_timeout_seconds: float = Field(
        60, gt=0, description="longest wait for a caller to read on, before the connection is cut"
    )
    connections: int = Field(
        900,
        ge=1,
        description="connections of a web worker; further ones are refused (503) except by probes and /metrics. "
        "Below the limit of open files, often 1024",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if contradictions := [sentence for wrong, sentence in self._conflicts() if wrong]:
            raise ValueError("; ".join(contradictions))
        return self

    def _conflicts(self) -> Iterator[tuple[object, str]]:
        yield self.text_digits < self.json_digits, "MATHOPS_TEXT_DIGITS must be at least MATHOPS_JSON_DIGITS"
        alone = self.revocation != "off" and self.workers > 1 and not self.redis_url
        yield alone, "MATHOPS_REVOCATION needs MATHOPS_REDIS_URL when there are several MATHOPS_WORKERS"
        brokers = [address.strip() for address in self.kafka_brokers.split(",")]
        unclear = self.kafka_brokers and not all(map(_BROKER.fullmatch, brokers))
        yield unclear, "MATHOPS_KAFKA_BROKERS: write host:port,host:port, without a scheme"
        account = "MATHOPS_KAFKA_USERNAME and MATHOPS_KAFKA_PASSWORD"
        sasl = self.kafka_security.startswith("sasl")
        unnamed = sasl and not (self.kafka_username and self.kafka_password)
        yield unnamed, f"MATHOPS_KAFKA_SECURITY with SASL needs {account}"
        unasked = not sasl and (self.kafka_username or self.kafka_password)
        yield unasked, f"{account} need MATHOPS_KAFKA_SECURITY with SASL, such as sasl_ssl"
        files = self.kafka_ca_file or self.kafka_certificate_file or self.kafka_key_file
        unencrypted = files and not self.kafka_tls
        yield unencrypted, "the files of MATHOPS_KAFKA_* need MATHOPS_KAFKA_SECURITY with TLS, ssl or sasl_ssl"
        yield (
            self.kafka_key_file and not self.kafka_certificate_file,
            "MATHOPS_KAFKA_KEY_FILE needs MATHOPS_KAFKA_CERTIFICATE_FILE",
        )

    @property
    def kafka_tls(self) -> bool:
        """Whether the brokers are reached by TLS."""
        return self.kafka_security.endswith("ssl")

    @field_serializer("kafka_password", when_used="json")
    def _to_the_journal_process(self, password: SecretStr) -> str:
        return password.get_secret_value()

    @property
    def journal_url(self) -> str:
        """`database_url`, or that of a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'mathops.db'}"

    @property
    def keys_path(self) -> Path:
        """`keys_file`, or its place in the data folder."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def log_path(self) -> Path:
        """`log_file`, or its place in the data folder."""
        return self.log_file or self.data_dir / "requests.log"

    @property
    def demo(self) -> bool:
        """Whether anyone may log in."""
        return self.users_file is None


class Loaded(NamedTuple):
    """Settings and, for each name, where its value came from."""

    settings: Settings
    sources: dict[str, str]


def env_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load(environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read the settings; raises StartupError, naming every variable that is misspelled or wrong."""
    values: dict[str, str] = {}
    sources = dict.fromkeys(Settings.model_fields, "default")
    for key in sorted(environ):
        if not key.startswith(PREFIX) or _is_injected(key, environ[key]):
            continue
        name, text = _setting(key, environ[key])
        if name in values:
            raise StartupError(f"{key}: {sources[name]} is set too; keep one of them")
        # An empty variable is an absent one: compose and charts write those.
        if text:
            values[name], sources[name] = text, key
    try:
        return Loaded(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise StartupError("; ".join(_sentence(fault["loc"], fault["msg"]) for fault in error.errors())) from None


def _is_injected(key: str, value: str) -> bool:
    injected = _INJECTED.fullmatch(key) or (key.endswith("_PORT") and _INJECTED_PORT.fullmatch(value))
    return key == TOKEN_VARIABLE or bool(injected)


def _setting(key: str, value: str) -> tuple[str, str]:
    name = key.removeprefix(PREFIX).lower()
    if name in Settings.model_fields:
        return name, value
    if name.endswith("_file") and (inner := name.removesuffix("_file")) in Settings.model_fields:
        try:
            return inner, Path(value).read_text().strip() if value else ""
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"{key}: cannot read {value}: {error}") from None
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    raise StartupError(f"{key} is not a setting" + (f"; did you mean {env_name(near[0])}?" if near else ""))


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    return f"{env_name(str(location[0]))}: {message}" if location else message.removeprefix("Value error, ")


def redacted(value: object) -> str:
    """A value fit for eyes: the passwords of a URL are hidden, with all that could be part of one."""
    text = "" if value is None else str(value)
    text = re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", text)
    return re.sub(r"(?<=[?&])([^=&]*(?:password|secret|token)[^=&]*)=[^&]*", r"\1=***", text, flags=re.IGNORECASE)
