"""The page of a problem type: cause, fix and an example."""

import json
import re
from html import escape

from msgspec import to_builtins

from mathops.errors import MathopsError
from mathops.models import Problem
from mathops.web.console.files import page, template
from mathops.web.middleware.error_handling import PATH

_CODE = re.compile(r"`([^`]+)`")


def problem_page(error: type[MathopsError]) -> str:
    paragraph, *more = " ".join((error.__doc__ or "").split("\n    ")).split("  ")
    cause, _, fix = paragraph.strip().partition(". ")
    content = template("problem.html").substitute(
        title=escape(error.title),
        type=error.type,
        status=error.status,
        cause=_text(f"{cause}."),
        fix=_text(" ".join([fix, *more])),
        example=escape(json.dumps(_example(error), indent=2)),
    )
    return page(f"{error.title} - mathops", content, "../")


def _example(error: type[MathopsError]) -> object:
    return to_builtins(
        Problem(
            type=PATH + error.type,
            title=error.title,
            status=error.status,
            detail=error.example,
            instance="/pow",
            request_id="01a20f92-93a7-70eb-828d-cc6c0bbd2ee0",
        )
    ) | dict(error.example_members)


def _text(words: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(" ".join(words.split())))
