"""Generate documents from the code. `make docs` runs this program; a test fails if a document is out of date."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import SecretStr

from mathops.cli import commands
from mathops.events.asyncapi import document as asyncapi_document
from mathops.identity.issuers.issuers_file import IssuersFile
from mathops.operations import OPERATIONS
from mathops.schemas import schemas
from mathops.settings import Settings
from mathops.settings_source import env_name
from mathops.web.openapi import document
from mathops.web.routes import routes

# A reference fits on one line.
_REFERENCE = re.compile(r'\{\s*"\$ref": ("[^"]*")\s*\}')
_HERE = Path(__file__).parent
_WIDTH = 100
_TYPES = {SecretStr: "text, not shown", int: "integer", float: "number", str: "text", Path: "path"}
_BOUNDS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}

_CONFIGURATION = """# Configuration

`make docs` generates this page from `service/mathops/settings.py`.

Every setting is an environment variable. `mathops config` lists all settings with their values and sources and hides
passwords. `mathops serve` has options for some settings; an option overrides the variable.

- An absent or empty variable selects the default.
- `MATHOPS_X_FILE` names a file that contains the value of `MATHOPS_X`; Docker and Kubernetes mount secrets as files.
  Setting both variables is an error.
- An unknown `MATHOPS_*` variable stops the start with an error that suggests the nearest name. The service ignores
  `MATHOPS_URL` and `MATHOPS_TOKEN`, which only the command line uses, and the variables that Kubernetes injects for a
  Service named mathops (`MATHOPS_PORT*`, `MATHOPS_SERVICE_*`, and names such as `MATHOPS_REDIS_PORT_6379_TCP`).
- Times are in seconds and sizes in bytes, unless the name says otherwise.

| Variable | Type | Default | Description |
|---|---|---|---|
{rows}

## Traces

OpenTelemetry's standard variables configure tracing, which is off by default. `OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_TRACES_EXPORTER=otlp` enables it; `OTEL_SDK_DISABLED=true` or
`OTEL_TRACES_EXPORTER=none` disables it in any case. The other `OTEL_*` variables (`OTEL_SERVICE_NAME`,
`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …) are defined by the
[specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

_COMMANDS = """# Command line

`make docs` generates this page from the help texts. `make run` installs the command as `.venv/bin/mathops`; in the
image it is `mathops`.

```sh
export MATHOPS_URL=localhost:5000
mathops login --user alice
mathops pow 2 5
mathops history --since 1h --outcome error
```

Without `MATHOPS_URL`, `mathops pow` computes on this machine, and `mathops token` and `mathops history` read the files
of the service. `--token` and `MATHOPS_TOKEN` take precedence over the token of `mathops login`, for example in scripts:
`export MATHOPS_TOKEN=$(mathops token alice)`.
"""


def configuration() -> str:
    return _CONFIGURATION.format(rows="\n".join(_setting_row(name) for name in Settings.model_fields))


def openapi() -> str:
    text = json.dumps(document(routes(OPERATIONS)), indent=2, ensure_ascii=False)
    return _REFERENCE.sub(r'{"$ref": \1}', text) + "\n"


def asyncapi() -> str:
    topic = Settings.model_fields["kafka_topic"].default
    return json.dumps(asyncapi_document(topic), indent=2, ensure_ascii=False) + "\n"


def command_line() -> str:
    group = commands()
    context = click.Context(group, info_name="mathops", terminal_width=_WIDTH, **group.context_settings)
    return "\n".join([_COMMANDS, *_help(group, context)])


def issuers_schema() -> str:
    definitions = schemas((IssuersFile,))
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"#/$defs/{IssuersFile.__name__}"}
    return json.dumps({**root, "$defs": definitions}, indent=2) + "\n"


DOCUMENTS = {
    "configuration.md": configuration,
    "openapi.json": openapi,
    "asyncapi.json": asyncapi,
    "cli.md": command_line,
    "issuers.schema.json": issuers_schema,
}


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
