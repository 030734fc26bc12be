"""HTTP client of a running service."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar

import click
import httpx2
import msgspec

from mathops import __version__
from mathops.cli.console import Report, printable
from mathops.cli.login import kept_tokens
from mathops.models import Problem

T = TypeVar("T")

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_TIMEOUT = httpx2.Timeout(60, connect=5)


class RequestRejected(click.ClickException):
    """The service answered with an error; `problem` is None if another program answered."""

    def __init__(self, status: int, problem: Problem | None, hint: str = "") -> None:
        self.status = status
        self.problem = problem
        if problem is None:
            super().__init__(f"HTTP {status} without a problem document; is it the address of mathops?")
        else:
            super().__init__(printable(f"HTTP {status}: {problem.detail}{hint} (request {problem.request_id})"))


@contextmanager
def connect(url: str, token: str | None = None) -> Iterator[httpx2.Client]:
    """A client of the service at `url` with `token`, or with the token that `mathops login` keeps.

    Errors of the request become a ClickException.
    """
    kept = None if token else kept_tokens.load(url)
    if kept:
        token = kept.token
    try:
        with connect_without_token(url, {"Authorization": f"Bearer {token}"} if token else {}) as client:
            yield client
    except RequestRejected as error:
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
        log_in = f"run mathops login --url {url}"
        if kept and kept.expires <= time.time():
            raise click.ClickException(f"the kept token expired at {kept.expiry}; {log_in}") from None
        hint = "; check --token or MATHOPS_TOKEN" if token and not kept else f"; {log_in}"
        raise RequestRejected(error.status, error.problem, hint) from None


@contextmanager
def connect_without_token(url: str, headers: Mapping[str, str] = _NO_HEADERS) -> Iterator[httpx2.Client]:
    """A client of the service at `url`; HTTP and format errors become a ClickException."""
    agent = {"User-Agent": f"mathops/{__version__}"}
    try:
        with httpx2.Client(base_url=url, headers={**agent, **headers}, timeout=_TIMEOUT) as client:
            yield client
    except msgspec.DecodeError:
        raise unexpected_response(url) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise click.ClickException(f"request to {url} failed: {error or type(error).__name__}") from None


def unexpected_response(url: str) -> click.ClickException:
    return click.ClickException(f"{url} returned an unexpected response; is it the address of mathops?")


def request_json(client: httpx2.Client, path: str, kind: type[T], document: dict[str, str] | None = None) -> T:
    return msgspec.json.decode(request(client, path, "application/json", document), type=kind)


def request(
    client: httpx2.Client, path: str, accept: str, document: dict[str, str] | None = None, report: Report | None = None
) -> bytes:
    """The body of the response to a POST of `document`, or to a GET; raises RequestRejected."""
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
        raise RequestRejected(response.status_code, _problem(body))
    return body


def _problem(body: bytes) -> Problem | None:
    try:
        return msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        return None
