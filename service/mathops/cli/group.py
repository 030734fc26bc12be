"""All commands together, and what becomes of their faults."""

import errno
from collections.abc import Sequence
from typing import Any

import click

from mathops import __version__
from mathops.cli.completion_command import completion
from mathops.cli.config_command import config
from mathops.cli.db_commands import db
from mathops.cli.event_commands import events
from mathops.cli.history_command import history
from mathops.cli.key_commands import keys
from mathops.cli.operation_commands import operation_commands
from mathops.cli.serve_command import serve
from mathops.cli.token_command import token
from mathops.cli.user_commands import users
from mathops.errors import MathopsError, StartupError
from mathops.operations import OPERATIONS, Operation

_HELP = """Exact power, Fibonacci and factorial: the service, and the same mathematics here.

\b
Exit codes: 0 done, 1 failed (one line on stderr says why), 2 the command was not understood.
"""


class Commands(click.Group):
    """A group whose foreseen faults are one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (StartupError, MathopsError) as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            # click ends quietly when the reader of a pipe has gone.
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(str(error)) from None


def commands(operations: Sequence[Operation] = OPERATIONS) -> click.Group:
    """The whole command line, with subcommands for `operations`."""
    group = Commands("mathops", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
    click.version_option(__version__)(group)
    for command in (
        serve,
        token,
        *operation_commands(operations),
        history,
        events,
        db,
        keys,
        users,
        config,
        completion,
    ):
        group.add_command(command)
    return group


def main() -> None:
    """Run a command, and end with its exit code."""
    commands()(prog_name="mathops")
