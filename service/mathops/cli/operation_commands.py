"""One command per operation: `mathops pow`, `mathops fib`, `mathops fact`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from mathops.cli import console, results
from mathops.models import encode_result
from mathops.operations import Operation, Parameter, Result
from mathops.operations.operation import seconds_by_size

# Computing 100 million digits takes half a minute and 1 GiB. GMP aborts the process when memory runs out.
MAX_DIGITS = 100_000_000
_MEMORY_BYTES = 4 << 30
_TIMEOUT_SECONDS = 3600
# Smaller results are computed here, because starting a process takes longer.
_MAX_INLINE_DIGITS = 100_000


def operation_commands(operations: Sequence[Operation]) -> Iterator[click.Command]:
    """The commands, and a hidden command for each alias."""
    for operation in operations:
        yield _command(operation, operation.name)
        yield _command(operation, operation.alias, hidden=True)


def _command(operation: Operation, name: str, *, hidden: bool = False) -> click.Command:
    def run(url: str | None, token: str | None, as_json: bool, full: bool, output: Path | None, **values: int) -> None:
        arguments = {parameter.name: values[parameter.name] for parameter in operation.parameters}
        # JSON is for programs.
        with results.opened(output, fold=not (full or as_json)) as write:
            if url:
                write(_request(operation, arguments, url, token, as_json))
            else:
                write(_evaluate(operation, arguments, as_json))

    descriptions = [f"{parameter.name.upper()}: {parameter.description}." for parameter in operation.parameters]
    command = click.Command(
        name,
        callback=run,
        params=[_argument(parameter) for parameter in operation.parameters],
        help="\n\n".join([f"Compute {operation.summary}.", *descriptions]),
        hidden=hidden,
        # Treat -2 as an argument, not as an unknown option.
        context_settings={"ignore_unknown_options": True},
    )
    for option in (results.output, results.full, console.as_json, console.token, console.url):
        option(command)
    return command


def _request(operation: Operation, arguments: dict[str, int], url: str, token: str | None, as_json: bool) -> bytes:
    from mathops.cli.http_client import connect, request

    accept = "application/json" if as_json else "text/plain"
    with console.progress(f"requesting {url}") as report, connect(url, token) as client:
        return request(client, operation.paths[0], accept, _texts(arguments), report)


def _evaluate(operation: Operation, arguments: dict[str, int], as_json: bool) -> bytes:
    result = _compute(operation, tuple(arguments.values()))
    if not as_json:
        return result.text
    return encode_result(operation.name, _texts(arguments), result.text, result.digits)


def _texts(arguments: dict[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in arguments.items()}


def _argument(parameter: Parameter) -> click.Argument:
    def parse(_: click.Context, __: click.Parameter, value: str) -> int:
        try:
            return parameter.parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return click.Argument([parameter.name], callback=parse)


def _compute(operation: Operation, arguments: tuple[int, ...]) -> Result:
    digits = operation.predicted_digits(*arguments)
    if digits > MAX_DIGITS:
        size = f"{digits:,.0f}" if digits < 1e18 else "more than 10^18"
        raise click.ClickException(f"the result would have {size} digits; the limit of this command is {MAX_DIGITS:,}")
    if operation.predicted_seconds(digits, *arguments) <= seconds_by_size(_MAX_INLINE_DIGITS):
        return operation.result(*arguments)
    import asyncio

    with console.progress(f"computing {digits:,.0f} digits"):
        return asyncio.run(_compute_in_process(operation, arguments))


async def _compute_in_process(operation: Operation, arguments: tuple[int, ...]) -> Result:
    from mathops.processes.pool import PoolWorker, WorkerDied, usable_cores

    try:
        async with PoolWorker.running(_MEMORY_BYTES) as worker:
            try:
                return (await worker.run(operation, arguments, min(2, usable_cores()), _TIMEOUT_SECONDS))[0]
            finally:
                # After Ctrl-C the process would continue to compute.
                worker.stop()
    except WorkerDied:
        raise click.ClickException("the computing process was killed, possibly because memory ran out") from None
