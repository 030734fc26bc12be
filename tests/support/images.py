"""Texts inside PNG files: what a screenshot shows, so that a test can compare it without comparing pixels."""

import struct
import zlib

_KEYWORD = b"mathops"
# Signature and header, the first chunk.
_START = 8 + 25


def with_text(png: bytes, text: str) -> bytes:
    """The image with an international text chunk (PNG, 11.3.3.4)."""
    body = b"iTXt" + _KEYWORD + b"\0\1\0\0\0" + zlib.compress(text.encode())
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_START] + chunk + png[_START:]


def text_of(png: bytes) -> str:
    """The text that `with_text` has stored; empty without one."""
    start = png.find(b"iTXt" + _KEYWORD)
    if start < 0:
        return ""
    length = struct.unpack(">I", png[start - 4 : start])[0]
    return zlib.decompress(png[start + 16 : start + 4 + length]).decode()
