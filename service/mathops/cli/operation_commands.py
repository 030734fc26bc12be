"""One command per operation: `mathops pow`, `mathops fib`, `mathops fact`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from mathops.cli import options
from mathops.cli.output import progress
from mathops.models import encode_result
from mathops.operations import Operation, Parameter, Result

# Computing 100 million digits takes half a minute and 1 GiB. GMP aborts the process when memory runs out.
MAX_DIGITS = 100_000_000
_MEMORY_BYTES = 4 << 30
_TIMEOUT_SECONDS = 3600
# Smaller results are computed here, because starting a process takes longer.
_MAX_INLINE_DIGITS = 100_000


class IntegerText(click.ParamType[int]):
    """An integer, validated like the same parameter of a request."""

    name = "integer"

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return self._parameter.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def operation_commands(operations: Sequence[Operation]) -> Iterator[click.Command]:
    """The commands, and a hidden command for each alias."""
    for operation in operations:
        yield _command(operation, operation.name)
        yield _command(operation, operation.alias, hidden=True)


def _command(operation: Operation, name: str, *, hidden: bool = False) -> click.Command:
    def run(url: str | None, token: str | None, as_json: bool, **values: int) -> None:
        arguments = tuple(values[parameter.name] for parameter in operation.parameters)
        text = _remote(operation, arguments, url, token, as_json) if url else _local(operation, arguments, as_json)
        click.echo(text)

    descriptions = [f"{parameter.name.upper()}: {parameter.description}." for parameter in operation.parameters]
    command = click.Command(
        name,
        callback=run,
        params=[click.Argument([parameter.name], type=IntegerText(parameter)) for parameter in operation.parameters],
        help="\n\n".join([f"Compute {operation.summary}.", *descriptions]),
        hidden=hidden,
        # Treat -2 as an argument, not as an unknown option.
        context_settings={"ignore_unknown_options": True},
    )
    for option in (options.as_json, options.token, options.url):
        option(command)
    return command


def _remote(operation: Operation, arguments: tuple[int, ...], url: str, token: str | None, as_json: bool) -> bytes:
    from mathops.cli.http_client import connect, request

    accept = "application/json" if as_json else "text/plain"
    with progress(f"requesting {url}") as report, connect(url, token) as client:
        return request(client, operation.paths[0], accept, _texts(operation, arguments), report)


def _local(operation: Operation, arguments: tuple[int, ...], as_json: bool) -> bytes:
    result = _compute(operation, arguments)
    if not as_json:
        return result.text
    return encode_result(operation.name, _texts(operation, arguments), result.text, result.digits)


def _compute(operation: Operation, arguments: tuple[int, ...]) -> Result:
    digits = operation.predicted_digits(*arguments)
    if digits > MAX_DIGITS:
        size = f"{digits:,.0f}" if digits < 1e18 else "more than 10^18"
        raise click.ClickException(f"the result would have {size} digits; the limit of this command is {MAX_DIGITS:,}")
    if digits <= _MAX_INLINE_DIGITS:
        return operation.result(*arguments)
    import asyncio

    with progress(f"computing {digits:,.0f} digits"):
        return asyncio.run(_compute_in_process(operation, arguments))


async def _compute_in_process(operation: Operation, arguments: tuple[int, ...]) -> Result:
    from mathops.processes.pool import PoolWorker, WorkerDied, decode_reply

    try:
        async with PoolWorker.running(_MEMORY_BYTES) as worker:
            try:
                return decode_reply(await worker.run(operation, arguments, _TIMEOUT_SECONDS))[0]
            finally:
                # After Ctrl-C the process would continue to compute.
                worker.stop()
    except WorkerDied:
        raise click.ClickException("the computing process was killed, possibly because memory ran out") from None


def _texts(operation: Operation, arguments: tuple[int, ...]) -> dict[str, str]:
    return {parameter.name: str(value) for parameter, value in zip(operation.parameters, arguments, strict=True)}
