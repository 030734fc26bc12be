"""Content negotiation (RFC 9110, section 12.5.1)."""

import re

from mathops.errors import NotAcceptable

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
JSON_SCHEMA = "application/schema+json"
TEXT = "text/plain"

# Some clients omit the zero. float() alone accepts nan, inf and 1_0.
_QUALITY = re.compile(r"0?\.[0-9]+|0\.?|1(\.0*)?")


def preferred_media_type(accept: str | None) -> str:
    """JSON or TEXT, JSON if both are equally preferred; raises NotAcceptable."""
    if accept is None or accept in ("*/*", JSON):
        return JSON
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        # An empty list means the same as no header (RFC 9110, 12.5.1).
        return JSON
    json, text = _quality(JSON, ranges), _quality(TEXT, ranges)
    if max(json, text) <= 0:
        raise NotAcceptable(f"accept {JSON} or {TEXT}")
    return JSON if json >= text else TEXT


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            quality = float(parameter[2:]) if _QUALITY.fullmatch(parameter, 2) else 0.0
    # Java's HttpURLConnection sends "*".
    return "*/*" if name == "*" else name, quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The quality of the most specific matching range."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
