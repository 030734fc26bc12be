"""Which form each Accept field gets."""

import pytest

from mathops.errors import NotAcceptable
from mathops.web.negotiation import JSON, TEXT, preferred_media_type


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("text/plain", TEXT),
        ("text/*", TEXT),
        ("TEXT/Plain", TEXT),
        ("text/plain; charset=utf-8", TEXT),
        ("text/html, text/plain;q=0.9, */*;q=0.1", TEXT),
        ("text/plain;q=0.5, application/json;q=0.4", TEXT),
        ("text/plain;q=0.5, application/json;q=0.5", JSON),
        ("application/json;q=0, */*", TEXT),
        ("text/plain;q=0, */*;q=0.1", JSON),
        ("*/*;q=0.5, text/plain;q=0.4", JSON),
        ("text/plain, , ", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
    ],
)
def test_the_preferred_form_is_given(accept: str | None, form: str) -> None:
    assert preferred_media_type(accept) == form


@pytest.mark.parametrize(
    "accept",
    ["text/html", "image/*", "application/json;q=0", "*/*;q=0", "text/plain;q=x", "text/plain;q=-1", ";;", ","],
)
def test_no_form_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=f"{JSON} or {TEXT}"):
        preferred_media_type(accept)
