"""Drives an ASGI application message by message."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Scope

DISCONNECT: Message = {"type": "http.disconnect"}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def scope(method: str, target: str, headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Scope:
    path, _, query = target.partition("?")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("192.0.2.1", 50000),
        "server": ("localhost", 80),
        "state": {},
    }


async def exchange(app: ASGIApp, request: Scope, messages: Sequence[Message]) -> list[Message]:
    """The messages that the application sends to a client that sends `messages` and nothing more."""
    waiting = list(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(10):
        await app(request, receive, send)
    return sent


def status_of(sent: list[Message]) -> Any:
    return sent[0]["status"] if sent else None
