"""The command line, one module a group of commands.

What takes long to import is imported inside the command that needs it, so that help and completion
answer at once, and so that `serve` decides first how prometheus_client counts.
"""

from mathops.cli.group import commands, main

__all__ = ["commands", "main"]
