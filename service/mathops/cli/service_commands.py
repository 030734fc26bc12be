"""`mathops serve` and `mathops config`."""

import os

import click

from mathops.cli import console


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Number of web worker processes.")
@click.option("--reload", is_flag=True, help="For development: restart when the source changes; one worker.")
def serve(host: str | None, port: int | None, workers: int | None, reload: bool) -> None:
    """Run the service.

    Options override the MATHOPS_* variables listed by `mathops config`.
    """
    if reload and (workers or 1) > 1:
        raise click.UsageError("--reload runs one worker; remove --workers")
    for variable, value in (("MATHOPS_HTTP_HOST", host), ("MATHOPS_HTTP_PORT", port), ("MATHOPS_WORKERS", workers)):
        if value is not None:
            # The process that --reload starts reads the environment.
            os.environ.pop(f"{variable}_FILE", None)
            os.environ[variable] = str(value)
    # gunicorn reads WEB_CONCURRENCY when imported and fails if it is not a number. Only MATHOPS_WORKERS counts.
    os.environ.pop("WEB_CONCURRENCY", None)
    settings = console.load_settings()
    from mathops.server.start import serve

    serve(settings, reload=reload)


@click.command()
@console.as_json
def config(as_json: bool) -> None:
    """Show each setting with its value and source. Passwords are hidden."""
    from mathops.settings import Settings, load
    from mathops.settings_source import env_name, redacted

    settings, sources = load()
    rows = [(env_name(name), redacted(getattr(settings, name)), sources[name]) for name in Settings.model_fields]
    document = [{"variable": variable, "value": value, "source": source} for variable, value, source in rows]
    console.print_output(as_json, document, ("VARIABLE", "VALUE", "SOURCE"), rows)
