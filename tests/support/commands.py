"""The command line inside this process."""

import os
from collections.abc import Mapping, Sequence

from click.testing import CliRunner, Result

from mathops.cli import commands
from mathops.operations import OPERATIONS, Operation

# A program that runs the command without the capability by which root ignores file permissions.
WITHOUT_DAC_OVERRIDE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "mathops", *sys.argv[1:]])
"""


def run_command(
    variables: Mapping[str, str],
    *arguments: str,
    operations: Sequence[Operation] = OPERATIONS,
    stdin: str | None = None,
) -> Result:
    """Run `mathops ARGUMENTS` with no MATHOPS_* variables but `variables`, and without kept tokens."""
    cleared = {name: None for name in os.environ if name.startswith("MATHOPS_")}
    return CliRunner().invoke(
        commands(operations),
        arguments,
        input=stdin,
        env={**cleared, "XDG_CONFIG_HOME": os.devnull, **variables},
        prog_name="mathops",
        catch_exceptions=False,
    )
