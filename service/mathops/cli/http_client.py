"""HTTP client of a running service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import click
import httpx2
import msgspec

from mathops import __version__
from mathops.cli.console import Report, printable
from mathops.models import Problem

T = TypeVar("T")

_TIMEOUT = httpx2.Timeout(60, connect=5)


@contextmanager
def connect(url: str, token: str | None = None) -> Iterator[httpx2.Client]:
    """A client of the service at `url`; HTTP and format errors become a ClickException."""
    headers = {"User-Agent": f"mathops/{__version__}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
            yield client
    except msgspec.DecodeError:
        raise click.ClickException(f"{url} returned an unexpected response; is it the address of mathops?") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise click.ClickException(f"request to {url} failed: {error or type(error).__name__}") from None


def request_json(client: httpx2.Client, path: str, kind: type[T], document: dict[str, str] | None = None) -> T:
    return msgspec.json.decode(request(client, path, "application/json", document), type=kind)


def request(
    client: httpx2.Client, path: str, accept: str, document: dict[str, str] | None = None, report: Report | None = None
) -> bytes:
    """The body of the response to a POST of `document`, or to a GET; raises ClickException."""
    method = "GET" if document is None else "POST"
    with client.stream(method, path, json=document, headers={"Accept": accept}) as response:
        size = int(response.headers.get("content-length", 0)) or None
        chunks = []
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            if report:
                report(response.num_bytes_downloaded, size)
    body = b"".join(chunks)
    if not response.is_success:
        raise click.ClickException(_error_message(response.status_code, body))
    return body


def _error_message(status: int, body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        return f"HTTP {status} without a problem document; is it the address of mathops?"
    hint = "; or set MATHOPS_TOKEN to the output of `mathops token USER --url URL`" if status == 401 else ""
    return printable(f"HTTP {status}: {problem.detail}{hint} (request {problem.request_id})")
