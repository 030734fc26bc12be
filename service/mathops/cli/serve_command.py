"""`mathops serve`."""

import os

import click

from mathops.settings import env_name, load


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Web worker processes.")
@click.option("--reload", is_flag=True, help="Start anew when the source changes, for development; one worker.")
def serve(host: str | None, port: int | None, workers: int | None, reload: bool) -> None:
    """Run the service.

    Options win over the MATHOPS_* variables that `mathops config` lists.
    """
    if reload and (workers or 1) > 1:
        raise click.UsageError("--reload runs one worker; leave out --workers")
    for name, value in (("http_host", host), ("http_port", port), ("workers", workers)):
        if value is not None:
            _override(name, str(value))
    # gunicorn reads it when it is imported, and fails where it is no number; MATHOPS_WORKERS is what counts.
    os.environ.pop("WEB_CONCURRENCY", None)
    from mathops.server.master import serve

    serve(load().settings, reload=reload)


def _override(name: str, value: str) -> None:
    # By the environment, for workers and their processes read the settings there.
    os.environ.pop(f"{env_name(name)}_FILE", None)
    os.environ[env_name(name)] = value
