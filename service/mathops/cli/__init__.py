"""The command line. Commands import heavy modules when they run, so that help and shell completion stay fast."""

from mathops.cli.group import commands, main

__all__ = ["commands", "main"]
