"""A running service, asked over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

import click
import httpx2
import msgspec

from mathops import __version__
from mathops.cli.output import Report, printable

Document = TypeVar("Document")

_TIMEOUT = httpx2.Timeout(60, connect=5)


class Client:
    """Requests to the service at `url`, in a with statement; a refusal or a fault is a ClickException."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        headers = {"User-Agent": f"mathops/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        with self._http_errors():
            self._client = httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, kind: type[Document]) -> Document:
        """The JSON document at `path`, which is of that `kind`."""
        return self._decoded(self._body("GET", path, None, "application/json", _no_progress), kind)

    def post(self, path: str, document: dict[str, str], kind: type[Document]) -> Document:
        """The JSON document that answers `document`, which is of that `kind`."""
        return self._decoded(self.body(path, document, "application/json"), kind)

    def body(self, path: str, document: dict[str, str], accept: str, report: Report | None = None) -> bytes:
        """What answers `document` in the media type `accept`."""
        return self._body("POST", path, document, accept, report or _no_progress)

    def _body(self, method: str, path: str, document: dict[str, str] | None, accept: str, report: Report) -> bytes:
        with (
            self._http_errors(),
            self._client.stream(method, path, json=document, headers={"Accept": accept}) as answer,
        ):
            body = b"".join(_counted(answer, report))
        if not answer.is_success:
            raise click.ClickException(_refusal(answer.status_code, body))
        return body

    def _decoded(self, body: bytes, kind: type[Document]) -> Document:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError:
            raise click.ClickException(f"{self._url} answers, but not as mathops does") from None

    @contextmanager
    def _http_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise click.ClickException(f"{self._url} cannot be asked: {error or type(error).__name__}") from None


def _no_progress(done: int, total: int | None) -> None:
    pass


def _counted(answer: httpx2.Response, report: Report) -> Iterator[bytes]:
    length = answer.headers.get("content-length", "")
    total = int(length) if length.isdigit() else None
    for chunk in answer.iter_bytes():
        yield chunk
        report(answer.num_bytes_downloaded, total)


def _refusal(status: int, body: bytes) -> str:
    """One line from a problem document, or what there is instead."""
    try:
        problem = msgspec.json.decode(body)
        detail, request_id = problem["detail"], problem["request_id"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {status}, and no explanation that mathops would give; is this the service's address?"
    hint = "; or set MATHOPS_TOKEN to the output of `mathops token USER --url URL`" if status == 401 else ""
    return printable(f"HTTP {status}: {detail}{hint} (request {request_id})")
