"""The OpenAPI 3.1 document, made from the operations and the problem types."""

from mathops.web.openapi.document import document

__all__ = ["document"]
