"""Content negotiation follows RFC 9110, section 12.5.1."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mathops.errors import NotAcceptable
from mathops.web.negotiation import GZIP, JSON, TEXT, ZSTD, preferred_coding, preferred_media_type

NAMES = [JSON, TEXT, "application/*", "text/*", "*/*", "text/html", "image/png"]
MATCHING = {JSON: [JSON, "application/*", "*/*"], TEXT: [TEXT, "text/*", "*/*"]}

qualities = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
accepts = st.dictionaries(st.sampled_from(NAMES), qualities, min_size=1)


def written(wanted: dict[str, float]) -> list[str]:
    return [f"{name};q={quality:.3f}" for name, quality in wanted.items()]


def chosen(accept: str | None) -> str | None:
    try:
        return preferred_media_type(accept)
    except NotAcceptable:
        return None


@given(accepts)
@example({JSON: 0.0, "*/*": 1.0})
@example({TEXT: 0.0, JSON: 0.0, "*/*": 1.0})
def test_the_most_specific_range_gives_the_quality_and_json_wins_a_tie(wanted: dict[str, float]) -> None:
    json, text = (
        next((wanted[name] for name in MATCHING[media_type] if name in wanted), 0.0) for media_type in (JSON, TEXT)
    )
    expected = None if json == text == 0 else JSON if json >= text else TEXT

    assert chosen(", ".join(written(wanted))) == expected


@given(accepts, st.randoms())
def test_order_case_and_blanks_do_not_matter(wanted: dict[str, float], random: object) -> None:
    parts = written(wanted)
    shuffled = sorted(parts, key=lambda _: random.random())  # type: ignore[attr-defined] # hypothesis' own Random

    assert chosen(" ,\t".join(shuffled).upper().replace(";", " ; ")) == chosen(",".join(parts))


@given(st.lists(st.sampled_from([name for name in NAMES if "*" not in name]), min_size=1, max_size=5))
def test_only_an_accepted_media_type_is_returned(names: list[str]) -> None:
    assert chosen(", ".join(names)) == (JSON if JSON in names else TEXT if TEXT in names else None)


@pytest.mark.parametrize("quality", ["", "x", "nan", "-1", "inf", "1_0", "2", "0x1", "1e0"])
def test_an_invalid_quality_accepts_nothing(quality: str) -> None:
    assert chosen(f"{JSON};q={quality}") is None
    assert chosen(f"{JSON};q={quality}, {TEXT};q=0.1") == TEXT


@given(st.text(st.characters(codec="latin-1")))
def test_any_header_is_accepted_or_rejected(accept: str) -> None:
    assert chosen(accept) in (JSON, TEXT, None)


@given(st.text(st.characters(codec="latin-1")))
def test_any_header_has_a_coding(accepted: str) -> None:
    assert preferred_coding(accepted) in (ZSTD, GZIP, None)


def test_without_the_header_the_media_type_is_json() -> None:
    assert preferred_media_type(None) == JSON
