import pytest
from golden_texts import golden
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewmine.text.clean import CLEAN_VERSION, clean

# Pieces that turn into one another's markup when a neighbour goes.
# fmt: off
HOSTILE = st.lists(
    st.sampled_from([
        "&", "amp;", "&amp;", "#38;", "&lt;", "lt;", "gt;", "<", ">", "/", "br", "<br>", "<b>", "</b>",
        "<!--", "-->", "<script>", "</script>", "http://", "www.", ".com", "://", "a", "x", "w", " ", "\n",
        "!", ".", "3", ";", "*", "\u200d", "\ufe0f", "\u200b", "\u200c", "😀", "❤", "⭐", "\U0001f3f4",
        "\U000e0067", "＆", "＜", "＃", "\u0301", "\u3099", "か", "ｶ", "ﾞ", "´", "`", "’", "t", "\x92",
        "\ud800", "𝐠", "ا", "&nbsp", "&#x3c",
    ]),
    max_size=20,
).map("".join)
# fmt: on
FLOODS = (
    *(
        "<",
        "&",
        ".",
        "a",
        " ",
        "<b",
        "<a ",
        "&#3",
        "&amp;",
        "<!--",
        "<script>",
        "http://",
        "www.",
        "ab",
        "好",
    ),
    *("\u200d", "\u0301"),
)


@golden("clean")
def test_clean_gives_the_golden_text(text: str, expected: str) -> None:
    assert clean(text) == expected


@settings(max_examples=200)
@given(st.one_of(HOSTILE, st.text(max_size=60)))
def test_cleaning_twice_is_cleaning_once_and_nothing_grows(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert len(cleaned) <= len(text)


def test_escaping_deeper_than_any_archive_still_ends_in_normal_form() -> None:
    nested = "&a" * 40 + "mp;" * 40 + "lt;br>"
    cleaned = clean(nested)
    assert clean(cleaned) == cleaned
    assert len(cleaned) <= len(nested)


@pytest.mark.parametrize("piece", FLOODS)
def test_a_flood_of_anything_is_cleaned(piece: str) -> None:
    """Quadratic time would not end within the limit of a test."""
    text = piece * (300_000 // len(piece))
    assert len(clean(text)) <= len(text)


def test_lone_surrogates_become_replacement_characters() -> None:
    assert clean("a\ud83db") == "a\ufffdb"


def test_the_version_that_checkpoints_are_bound_to_is_the_one_these_goldens_describe() -> None:
    assert CLEAN_VERSION == 1
