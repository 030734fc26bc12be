"""Examples of Accept headers; tests/properties/test_negotiation.py has the rules."""

import pytest

from mathops.errors import NotAcceptable
from mathops.web.negotiation import JSON, TEXT, preferred_media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/plain; charset=utf-8", TEXT),
        ("text/plain, , ", TEXT),
        ("", JSON),
        (" , ", JSON),
        ("*", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("text/plain;q=.9, application/json;q=.25", TEXT),
        ("text/html, text/plain;q=0.9, */*;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
    ],
)
def test_the_preferred_media_type_is_returned(accept: str, media_type: str) -> None:
    assert preferred_media_type(accept) == media_type


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "*;q=.0", ";;", "*/*;q=."])
def test_other_media_types_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=f"{JSON} or {TEXT}"):
        preferred_media_type(accept)
