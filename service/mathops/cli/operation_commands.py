"""A subcommand for each operation."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import click

from mathops.cli import options
from mathops.cli.output import progress
from mathops.operations import Operation, Parameter, Result

# Takes half a minute and 1 GiB; GMP ends a process that asks for more memory than there is.
MAX_DIGITS = 100_000_000
_MEMORY_BYTES = 4 << 30
_MAX_SECONDS = 3600
# Computed here; starting a process would take longer.
_INLINE_DIGITS = 100_000


class IntegerText(click.ParamType[int]):
    """An integer by the rules of a parameter."""

    name = "integer"

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The integer, or a usage error."""
        if fault := self._parameter.fault(str(value)):
            self.fail(fault, param, ctx)
        return int(value)


def operation_commands(operations: Sequence[Operation]) -> Iterator[click.Command]:
    """The commands, and their long names without an entry in the help."""
    for operation in operations:
        yield _command(operation, operation.name)
        yield _command(operation, operation.alias, hidden=True)


def _command(operation: Operation, name: str, *, hidden: bool = False) -> click.Command:
    def run(url: str | None, token: str | None, as_json: bool, **values: int) -> None:
        arguments = tuple(values[parameter.name] for parameter in operation.parameters)
        text = _remote(operation, arguments, url, token, as_json) if url else _local(operation, arguments, as_json)
        click.echo(text)

    command = click.Command(
        name,
        callback=run,
        params=[click.Argument([parameter.name], type=IntegerText(parameter)) for parameter in operation.parameters],
        help=_help(operation),
        hidden=hidden,
        # So that -2 is an argument, not an option that nobody knows.
        context_settings={"ignore_unknown_options": True},
    )
    for option in (options.as_json, options.token, options.url):
        option(command)
    return command


def _help(operation: Operation) -> str:
    lines = [f"{parameter.name.upper()}: {parameter.description}." for parameter in operation.parameters]
    return "\n\n".join([operation.summary[0].upper() + operation.summary[1:] + ".", *lines])


def _remote(operation: Operation, arguments: tuple[int, ...], url: str, token: str | None, as_json: bool) -> bytes:
    from mathops.cli.http_client import Client

    accept = "application/json" if as_json else "text/plain"
    with progress(f"asking {url}") as report, Client(url, token) as client:
        return client.body(operation.paths[0], _texts(operation, arguments), accept, report)


def _local(operation: Operation, arguments: tuple[int, ...], as_json: bool) -> bytes:
    result = _computed(operation, arguments)
    if not as_json:
        return result.text
    from mathops.web.answer import answer

    return answer(operation, _texts(operation, arguments), result)


def _computed(operation: Operation, arguments: tuple[int, ...]) -> Result:
    digits = operation.predicted_digits(*arguments)
    if digits > MAX_DIGITS:
        size = f"{digits:,.0f}" if digits < 1e18 else "more than 10^18"
        raise click.ClickException(f"the result would have {size} digits; this command computes up to {MAX_DIGITS:,}")
    if digits <= _INLINE_DIGITS:
        return operation.result(*arguments)
    with progress(f"computing {digits:,.0f} digits"):
        return asyncio.run(_in_a_process(operation, arguments))


async def _in_a_process(operation: Operation, arguments: tuple[int, ...]) -> Result:
    from mathops.processes.pool import PoolWorker, WorkerDied, decode_reply

    try:
        async with PoolWorker.running(_MEMORY_BYTES) as worker:
            try:
                return decode_reply(await worker.run(operation, arguments, _MAX_SECONDS))[0]
            except asyncio.CancelledError:
                # Ctrl-C; the process would compute on.
                worker.stop()
                raise
    except WorkerDied:
        raise click.ClickException("the computing process was ended, perhaps for want of memory") from None


def _texts(operation: Operation, arguments: tuple[int, ...]) -> dict[str, str]:
    return {parameter.name: str(value) for parameter, value in zip(operation.parameters, arguments, strict=True)}
