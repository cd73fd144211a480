from itertools import pairwise

import pytest
from golden_texts import golden
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewmine.text.clean import clean
from reviewmine.text.sentences import Span, cleaned_sentences, join, split_sentences

# fmt: off
PIECES = st.lists(
    st.sampled_from([
        "Dr.", "e.g.", "great", ".", "!", "?", " ", "\n", "<br>", "<b>", "</b>", "&lt;br&gt;", "&amp;",
        "&nbsp;", "http://a.example/b.C", "www.x.example", "a@b.example", "<!--", ".x-->",
        "<script>a. B</script>", "😀", "❤️", "很好", "。", "；", "…", "3.5", "1.", "•", "✅", '"', "(", ")", "’",
        ":)", "The", "I", "U.S.",
    ]),
    max_size=20,
).map("".join)
# fmt: on


@golden("sentences")
def test_splitting_gives_the_golden_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == expected


@settings(max_examples=150)
@given(st.one_of(PIECES, st.text(max_size=40)))
def test_spans_are_ordered_disjoint_and_leave_out_only_what_cleans_to_nothing(text: str) -> None:
    spans = split_sentences(text)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    for start, end in spans:
        assert text[start:end] == text[start:end].strip()
        assert clean(text[start:end])
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert not any(clean(text[end:start]) for end, start in zip(edges[::2], edges[1::2], strict=True))


def test_cleaned_sentences_are_the_spans_with_their_clean_text() -> None:
    text = "It&#39;s <b>good</b>.  <br>Buy   it!!!!!"
    assert list(cleaned_sentences(text)) == [(Span(0, 21), "It's good."), (Span(27, 40), "Buy it!!!")]


@pytest.mark.parametrize(
    "piece", ["<", "&", ".", ". ", "!", "@a", "\n", " ", "a", "aa.Ba", "😀", "•", "好。", '."', "&nbsp;"]
)
def test_a_flood_of_anything_is_split(piece: str) -> None:
    """Quadratic time would not end within the limit of a test."""
    text = piece * (20_000 // len(piece))
    assert all(start < end for start, end in split_sentences(text))


def test_a_sentence_of_fifty_thousand_characters_is_one_sentence() -> None:
    text = ("word " * 10_000).strip() + "."
    assert split_sentences(text) == [Span(0, len(text))]


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        ([], ""),
        (["One."], "One."),
        (["One.", "Two."], "One. Two."),
        (["很好!", "屏幕清晰。"], "很好!屏幕清晰。"),
        (["很好!", "OK.", "清晰"], "很好! OK. 清晰"),
        (["いいね。", "最高"], "いいね。最高"),
        (["「好。」", "(也好)"], "「好。」(也好)"),
        (["!!!", "好"], "!!! 好"),
    ],
)
def test_joining_puts_a_space_between_sentences_but_not_between_chinese_ones(
    parts: list[str], joined: str
) -> None:
    assert join(parts) == joined
