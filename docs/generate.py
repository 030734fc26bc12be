"""Writes the documents that are made from the code; `make docs` runs it, and a test fails when one is out of date."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import SecretStr

from mathops.cli import commands
from mathops.operations import OPERATIONS
from mathops.settings import Settings
from mathops.settings_source import env_name
from mathops.web.openapi import document

_HERE = Path(__file__).parent
_WIDTH = 100
_TYPES = {SecretStr: "text, not shown", int: "integer", float: "number", str: "text", Path: "path"}
_BOUNDS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}

_CONFIGURATION = """# Configuration

Made from `service/mathops/settings.py` by `make docs`.

Every setting is an environment variable. `mathops config` shows each with its value and where that came from, with
passwords hidden; `mathops serve` has options for some, which win.

- An absent or empty variable means the default.
- `MATHOPS_X_FILE` names a file that holds the value of `MATHOPS_X`, as Docker and Kubernetes mount secrets. Setting
  both is an error.
- A `MATHOPS_*` variable that is not a setting is an error at start, with the nearest name that is one. Ignored are
  those that Kubernetes injects for a Service named mathops (`MATHOPS_PORT*`, `MATHOPS_SERVICE_*`, and the like of
  `MATHOPS_REDIS_PORT_6379_TCP`), and `MATHOPS_TOKEN`, which the command line sends to a service.
- Times are in seconds and sizes in bytes, unless the name says otherwise.

| Variable | Type | Default | Meaning |
|---|---|---|---|
{rows}

## Traces

Traces follow the standard variables of OpenTelemetry and are off by default. They are on when
`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, or `OTEL_TRACES_EXPORTER=otlp`; and off,
whatever else is set, with `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none`. All further `OTEL_*` variables
(`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …) mean what the
[specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) says.
"""

_COMMANDS = """# Command line

Made from the commands' help by `make docs`. After `make run` the command is `.venv/bin/mathops`; an image has it as
`mathops`.
"""


def configuration() -> str:
    """Every setting in one table."""
    return _CONFIGURATION.format(rows="\n".join(_setting_row(name) for name in Settings.model_fields))


def openapi() -> str:
    """The document that `/openapi.json` answers."""
    return json.dumps(document(OPERATIONS), indent=2, ensure_ascii=False) + "\n"


def command_line() -> str:
    """The help of every command."""
    group = commands()
    context = click.Context(group, info_name="mathops", terminal_width=_WIDTH, **group.context_settings)
    return "\n".join([_COMMANDS, *_help(group, context)])


DOCUMENTS = {"configuration.md": configuration, "openapi.json": openapi, "cli.md": command_line}


def _setting_row(name: str) -> str:
    field = Settings.model_fields[name]
    default = "" if field.default is None or str(field.default) == "" else f"`{field.default}`"
    cells = (f"`{env_name(name)}`", _type(field), default, field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(field: Any) -> str:
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    plain = next(kind for kind in (annotation, *get_args(annotation)) if kind in _TYPES)
    bounds = [
        f"{word} {getattr(bound, name)}"
        for bound in field.metadata
        for name, word in _BOUNDS.items()
        if hasattr(bound, name)
    ]
    return " ".join([_TYPES[plain], *bounds])


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.commands[name]
            if not child.hidden:
                yield from _help(child, click.Context(child, parent=context, info_name=name))


if __name__ == "__main__":
    for name, write in DOCUMENTS.items():
        (_HERE / name).write_text(write(), encoding="utf-8")
        print(f"docs/{name}")
