"""`mathops completion`."""

import click
from click.shell_completion import get_completion_class

_HELP = """Print a script that completes commands and options.

\b
bash: eval "$(mathops completion bash)" in ~/.bashrc
zsh:  eval "$(mathops completion zsh)" in ~/.zshrc
fish: mathops completion fish > ~/.config/fish/completions/mathops.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a shell's completion script."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "mathops", "_MATHOPS_COMPLETE").source())
