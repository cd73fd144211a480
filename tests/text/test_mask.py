import pytest
from golden_texts import golden
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewmine.text.mask import mask

# fmt: off
PIECES = st.lists(
    st.sampled_from([
        "1", "12", "555", "0", "01", "020", "00", "86 ", "+", "-", " ", ".", "(", ")", "/", "#", "@", "a",
        "x", "b.co", "call ", "me ", "at ", "order ", "version ", "phone number ", "电话", "[phone]",
        "http://", "?token=", "::", "DE89 3704 0044 0532 0130 00", "4111111111111111",
        "4111 1111 1111 1111", "13812345678", "192.168.1.25", "fe80::1:2", "11010519491231002X",
        "+1 555 123 4567", "020 7946 0958", "415 555 2671", "555-123-4567",
    ]),
    max_size=12,
).map("".join)
# fmt: on


@golden("mask")
def test_mask_gives_the_golden_text(text: str, expected: str) -> None:
    assert mask(text) == expected


@settings(max_examples=200)
@given(st.one_of(PIECES, st.text(alphabet="0123456789 -.+()/@abc:[]", max_size=40)))
def test_masking_twice_is_masking_once_and_nothing_grows(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
    assert len(masked) <= len(text)


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", "a", "a@", "a.", ":", "a:", "+1 ", "01-", "a.bb/", "?a", "DE12 ", "call 1 ", "(123) ", "1."],
)
def test_a_flood_of_anything_is_masked(piece: str) -> None:
    """Quadratic time would not end within the limit of a test."""
    text = piece * (300_000 // len(piece))
    assert len(mask(text)) <= len(text)
