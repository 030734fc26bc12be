"""The command line inside this process."""

import os
from collections.abc import Mapping, Sequence

from click.testing import CliRunner, Result

from mathops.cli import commands
from mathops.operations import OPERATIONS, Operation


def run_command(
    variables: Mapping[str, str],
    *arguments: str,
    operations: Sequence[Operation] = OPERATIONS,
    stdin: str | None = None,
) -> Result:
    """Run `mathops ARGUMENTS` with no MATHOPS_* variables but `variables`."""
    cleared = {name: None for name in os.environ if name.startswith("MATHOPS_")}
    return CliRunner().invoke(
        commands(operations),
        arguments,
        input=stdin,
        env={**cleared, **variables},
        prog_name="mathops",
        catch_exceptions=False,
    )
