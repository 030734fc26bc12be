"""Compression of large results (RFC 9110, 8.4.1), fitted to decimal digits (ADR 18)."""

import asyncio
import sys
import zlib

from mathops.web.negotiation import GZIP, ZSTD

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# The initial window of TCP, 10 segments: a shorter response needs no further round trip.
MIN_DIGITS = 14_600
# Shorter bodies take less than a millisecond.
_INLINE_BYTES = 65_536
_GZIP_BITS = 16 + zlib.MAX_WBITS
# Higher levels search for repetitions, which digits do not have, and replace better Huffman codes by worse matches.
_LEVEL = 1


async def compressed(body: bytes, coding: str) -> bytes:
    """`body` in the content coding GZIP or ZSTD; equal bodies have equal bytes, as a strong ETag requires."""
    compress = _COMPRESSORS[coding]
    # zlib and zstd release the GIL.
    return compress(body) if len(body) <= _INLINE_BYTES else await asyncio.to_thread(compress, body)


def _gzip(body: bytes) -> bytes:
    # Z_RLE finds no repetitions but runs, such as the zeros of 10^n.
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_BITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return compressor.compress(body) + compressor.flush()


def _zstd(body: bytes) -> bytes:
    # Browsers reject windows of over 8 MiB (RFC 9659); that of level 1 is 512 KiB.
    return zstd.compress(body, _LEVEL)


_COMPRESSORS = {GZIP: _gzip, ZSTD: _zstd}
