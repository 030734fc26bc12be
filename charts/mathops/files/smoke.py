"""Checks of `helm test` against an installed release; the argument names the check."""

import asyncio
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

BASE = os.environ["BASE_URL"]
USER = os.environ["TEST_USER"]
# A random number identifies the record of this run.
NUMBER = uuid.uuid4().int % 10**12


def call(path, body=None, token=None):
    """Return the status and the JSON body of a response."""
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(BASE + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def login():
    password = os.environ.get("TEST_PASSWORD")
    status, document = call("/login", {"user": USER, **({"password": password} if password else {})})
    assert status == 200, document
    return document["token"]


def square(token):
    status, document = call(f"/pow?base={NUMBER}&exp=2", token=token)
    assert status == 200, document
    assert document["result"] == str(NUMBER**2), document


def compute():
    square(login())


def refused():
    for token in (None, "not.a.token"):
        status, problem = call("/pow?base=2&exp=5", token=token)
        assert status == 401, (status, problem)
        assert problem["status"] == 401, problem


def history():
    token = login()
    square(token)
    status, document = call("/history?limit=5", token=token)
    assert status == 200, document
    found = [record for record in document["records"] if record["parameters"].get("base") == str(NUMBER)]
    assert [record["result"] for record in found] == [str(NUMBER**2)], document


def events():
    asyncio.run(_events())


async def _events():
    from mathops.events.kafka import consume
    from mathops.settings import load

    square(login())
    try:
        async with asyncio.timeout(60):
            async for value in consume(load().settings, from_start=True):
                record = json.loads(value)
                if record["parameters"].get("base") == str(NUMBER):
                    assert record["user"] == USER, record
                    return
    except TimeoutError as error:
        sys.exit(f"the event did not arrive within a minute {error}")


{"compute": compute, "refused": refused, "history": history, "events": events}[sys.argv[1]]()
print(sys.argv[1], "ok")
