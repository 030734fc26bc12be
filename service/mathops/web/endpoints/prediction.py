"""GET /NAME/plan: the predicted size and cost of an operation, before it runs."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import InvalidParameter
from mathops.evaluator import certainly_exceeds, predicted_size
from mathops.models import Prediction, encode_json
from mathops.operations import Operation
from mathops.web.context import NO_STORE, context_of
from mathops.web.negotiation import JSON, TEXT
from mathops.web.parameters import parse_query


def prediction_handler(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def predict(request: Request) -> Response:
        settings = context_of(request.scope).resources.settings
        limits = {JSON: settings.json_digits, TEXT: settings.text_digits}
        values, errors = parse_query(request.scope["query_string"])
        if errors:
            raise InvalidParameter(errors)
        arguments = operation.parse(values)
        digits = operation.predicted_digits(*arguments)
        prediction = Prediction(
            operation.name,
            values,
            predicted_size(digits),
            operation.predicted_seconds(digits, *arguments),
            limits,
            [name for name, limit in limits.items() if not certainly_exceeds(digits, limit)],
            settings.compute_deadline_seconds,
        )
        return Response(encode_json(prediction), 200, NO_STORE, JSON)

    return predict
