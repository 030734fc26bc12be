"""Passwords: asked without echo on a terminal, else read from stdin."""

import sys

import click

from mathops.identity.users import LONGEST_PASSWORD


def ask_password(*, twice: bool = False) -> str:
    """The password; from a pipe it is the first line."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, err=True, confirmation_prompt=twice)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not 0 < len(password) <= LONGEST_PASSWORD:
        raise click.ClickException(f"a password has 1 to {LONGEST_PASSWORD} characters")
    return str(password)
