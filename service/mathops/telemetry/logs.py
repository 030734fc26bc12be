"""The service log on stderr: JSON lines in a container, text on a terminal."""

import logging
import sys
from contextvars import ContextVar
from datetime import datetime
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Of the current request; tasks that it starts have them too.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)


def _add_ids(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    for variable in (request_id, trace_id):
        if value := variable.get():
            event.setdefault(variable.name, value)
    return event


def _shorten(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The local time, without the name of the logger."""
    event["timestamp"] = f"{datetime.fromisoformat(event['timestamp']).astimezone():%H:%M:%S}"
    del event["logger"]
    return event


def _order(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {"timestamp": event.pop("timestamp"), "level": event.pop("level"), "event": event.pop("event"), **event}


_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    _add_ids,
]
# structlog writes to standard output by default, which is reserved for the output of commands.
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
get_logger = structlog.stdlib.get_logger


LogFormat = Literal["auto", "json", "text"]


def is_text(log_format: LogFormat) -> bool:
    return log_format == "text" or (log_format == "auto" and sys.stderr.isatty())


def configure(level: str, log_format: LogFormat) -> None:
    """Send structlog's and the standard library's log lines to stderr in one format.

    As text, the servers' own lines appear from level warning on, or at level debug.
    """
    text = is_text(log_format)
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if text:
        # The default formatter prints local variables, which may be tokens.
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=plain, pad_event_to=0, pad_level=False
        )
        final += [_shorten, renderer]
    else:
        final += [structlog.processors.format_exc_info, _order, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=final))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for server in ("gunicorn.error", "uvicorn.error"):
        logging.getLogger(server).setLevel(logging.WARNING if text and level != "debug" else logging.NOTSET)
