"""Passwords: asked without echo on a terminal, else read from stdin."""

import sys

import click

from mathops.identity.users import MAX_PASSWORD_LENGTH


def ask_password(*, twice: bool = False) -> str:
    """The password; from a pipe it is the first line."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, err=True, confirmation_prompt=twice)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not 0 < len(password) <= MAX_PASSWORD_LENGTH:
        raise click.ClickException(f"a password has 1 to {MAX_PASSWORD_LENGTH} characters")
    return str(password)
