"""The service's own log on stderr: JSON in a container, readable on a terminal."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from mathops.telemetry.tracing import current_trace_id


def add_trace_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Name the trace that a line belongs to, if there is one."""
    if "trace_id" not in event and (trace_id := current_trace_id()):
        event["trace_id"] = trace_id
    return event


_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    add_trace_id,
]
# structlog's own default writes to standard output, which belongs to the command line's answers.
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def configure(level: str, form: Literal["auto", "json", "text"]) -> None:
    """Send structlog's and the standard library's lines to stderr in one form."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if text:
        # The default formatter prints local variables too, tokens among them.
        plain = structlog.dev.plain_traceback
        final.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    else:
        final += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=final))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
