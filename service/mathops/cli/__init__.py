"""The command line: one module per command or command group.

Modules import only click and light modules at the top. Commands import the rest when they run, so that help and shell
completion stay fast.
"""

from mathops.cli.group import commands, main

__all__ = ["commands", "main"]
