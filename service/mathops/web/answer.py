"""The JSON answer of an operation."""

from collections.abc import Mapping

import msgspec

from mathops.operations import Operation, Result

_encoder = msgspec.json.Encoder()


def answer(operation: Operation, parameters: Mapping[str, str], result: Result) -> bytes:
    """The body that an operation answers."""
    return _encoder.encode(
        {
            "operation": operation.name,
            "parameters": parameters,
            # The digits are ASCII: wrapping them in quotes is their JSON string.
            "result": msgspec.Raw(b'"%b"' % result.text),
            "digits": result.digits,
        }
    )
