"""Reads MATHOPS_* environment variables.

`MATHOPS_X_FILE` names a file that contains the value of `MATHOPS_X`, as Docker and Kubernetes mount secrets.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from mathops.errors import StartupError

PREFIX = "MATHOPS_"
# The scope of /metrics.
METRICS: Final = "metrics"
# Read by the command line only, as the address and the token of its requests.
URL_VARIABLE = "MATHOPS_URL"
TOKEN_VARIABLE = "MATHOPS_TOKEN"  # noqa: S105 - the name of a variable
_CLIENT_VARIABLES = (URL_VARIABLE, TOKEN_VARIABLE)
# Kubernetes injects these into every pod of a namespace that has a Service named mathops or mathops-something.
_INJECTED = re.compile(r"MATHOPS_(PORT|PORT_.*|(.+_)?SERVICE_(HOST|PORT|PORT_.*)|.+_PORT_\d+_(TCP|UDP|SCTP)(_.*)?)")
_INJECTED_PORT = re.compile(r"(tcp|udp|sctp)://[0-9a-f.:\[\]]+")


def env_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_environment(environ: Mapping[str, str], names: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Values and source variables by setting; raises StartupError for a variable that is not in `names`."""
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for variable, value in sorted(environ.items()):
        injected = _INJECTED.fullmatch(variable) or (variable.endswith("_PORT") and _INJECTED_PORT.fullmatch(value))
        if not variable.startswith(PREFIX) or variable in _CLIENT_VARIABLES or injected:
            continue
        name, text = _read_variable(variable, value, names)
        if name in values:
            raise StartupError(f"{variable}: {sources[name]} is set too; keep one of them")
        # Compose files and charts pass empty variables for absent values.
        if text:
            values[name], sources[name] = text, variable
    return values, sources


def _read_variable(variable: str, value: str, names: Collection[str]) -> tuple[str, str]:
    name = variable.removeprefix(PREFIX).lower()
    if name in names:
        return name, value
    if name.endswith("_file") and (inner := name.removesuffix("_file")) in names:
        try:
            return inner, Path(value).read_text().strip() if value else ""
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"{variable}: cannot read {value}: {error}") from None
    near = difflib.get_close_matches(name, names, n=1)
    raise StartupError(f"{variable} is not a setting" + (f"; did you mean {env_name(near[0])}?" if near else ""))


def redacted(value: object) -> str:
    """`value` as text, with the passwords of URLs replaced by ***."""
    text = "" if value is None else str(value)
    # Greedy up to the last @: an unencoded password may contain @ and /.
    text = re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", text)
    return re.sub(r"(?<=[?&])([^=&]*(?:password|secret|token)[^=&]*)=[^&]*", r"\1=***", text, flags=re.IGNORECASE)
