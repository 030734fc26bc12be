"""The `mathops` command: subcommands and error handling."""

import signal
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import get_completion_class

from mathops import __version__
from mathops.cli.client_commands import clients
from mathops.cli.event_commands import events
from mathops.cli.history_command import history
from mathops.cli.identity_commands import keys, token, users
from mathops.cli.issuer_commands import issuers
from mathops.cli.journal_commands import db
from mathops.cli.login.login_commands import login, logout
from mathops.cli.operation_commands import operation_commands
from mathops.cli.service_commands import config, serve
from mathops.cli.top.top_command import top
from mathops.errors import MathopsError, StartupError
from mathops.operations import OPERATIONS, Operation

_HELP = """Exact powers, Fibonacci numbers and factorials, as a service and on the command line.

\b
Exit codes: 0 success, 1 failure (one line on stderr), 2 usage error,
130 interrupted by Ctrl-C.
"""
_COMPLETION_HELP = """Print a shell completion script.

\b
bash: eval "$(mathops completion bash)" in ~/.bashrc
zsh:  eval "$(mathops completion zsh)" in ~/.zshrc
fish: mathops completion fish > ~/.config/fish/completions/mathops.fish
"""


_INTERRUPTED = 128 + signal.SIGINT


class CommandGroup(click.Group):
    """Prints expected errors in one line, with exit code 1; an interrupt has exit code 130, as in shells."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click exits without a message when the reader of a pipe has closed it.
            raise
        except KeyboardInterrupt:
            ctx.exit(_INTERRUPTED)
        except click.Abort as error:
            # click turns an interrupt at a prompt, and the end of the input, into Abort.
            if isinstance(error.__context__, KeyboardInterrupt):
                ctx.exit(_INTERRUPTED)
            raise
        except (StartupError, MathopsError, OSError) as error:
            raise click.ClickException(str(error)) from None


@click.command(help=_COMPLETION_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "mathops", "_MATHOPS_COMPLETE").source())


def commands(operations: Sequence[Operation] = OPERATIONS) -> click.Group:
    identity = [login, logout, token, keys, users, clients, issuers]
    subcommands = [*operation_commands(operations), serve, top, history, events, db, *identity, config, completion]
    group = CommandGroup("mathops", subcommands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
    return click.version_option(__version__)(group)


def main() -> None:
    commands()(prog_name="mathops")
