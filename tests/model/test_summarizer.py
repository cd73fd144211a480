import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reviewmine.model.summarizer import (
    MOST_CHARACTERS,
    MOST_CHARACTERS_OF_CHINESE,
    Summary,
    quote,
    statement,
    summarize,
    wants_choice,
)
from reviewmine.text.clean import clean
from reviewmine.text.sentences import Span, split_sentences

SENTENCES = (
    "The strap broke after two weeks of careful use on short walks.",
    "Delivery took a month and nobody answered my letters!",
    "I would <b>not</b> buy it again &amp; I told my friends.",
    "The colour is nice, though it fades in the sun rather quickly.",
    "Ok.",
)
LONG = " ".join(SENTENCES * 2)


def vectors_of(sentences: list[Span], seed: int = 7) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(len(sentences), 8)).astype(np.float32)


def summarized(body: str, seed: int = 7) -> Summary:
    sentences = split_sentences(body)
    return summarize(body, sentences, vectors_of(sentences, seed))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Great!", "Great!"),
        ("  Great strap.<br><br>Buy   it!!!!!! ", "Great strap. Buy it!!!"),
        ("It&#39;s <i>fine</i>.", "It's fine."),
        ("很好。物流快！", "很好。物流快!"),
        ("Great.The end.", "Great.The end."),
    ],
)
def test_a_short_review_is_its_own_summary(body: str, text: str) -> None:
    summary = summarized(body)
    assert (summary.text, summary.method) == (text, "verbatim")
    assert len(summary.spans) == 1


def test_a_longer_review_is_summarised_by_whole_sentences_of_its_own_in_their_order() -> None:
    summary = summarized(LONG)
    assert summary.method == "extractive"
    assert set(summary.spans) <= set(split_sentences(LONG))
    assert list(summary.spans) == sorted(summary.spans)
    assert 1 <= len(summary.spans) <= 2
    assert len(summary.text) <= MOST_CHARACTERS


def test_the_same_review_has_the_same_summary() -> None:
    assert summarized(LONG) == summarized(LONG)


def test_a_chinese_summary_has_half_the_characters_and_no_spaces() -> None:
    body = (
        "这款耳机的音质非常出色，佩戴也舒服。" * 3
        + "电池续航时间比宣传的短了不少！"
        + "包装盒破损，客服态度还不错。" * 6
    )
    summary = summarized(body)
    assert summary.method == "extractive"
    assert len(summary.text) <= MOST_CHARACTERS_OF_CHINESE
    assert " " not in summary.text


def test_a_body_without_sentences_has_no_summary() -> None:
    assert summarize("<br>", [], np.zeros((0, 8), np.float32)) == Summary("", "none", ())


def test_what_identifies_a_person_is_masked() -> None:
    body = "Write to jane@mail.example or call +1 (555) 123-4567."
    assert summarized(body).text == "Write to [mail] or call [phone]."


def test_a_sentence_too_long_for_a_summary_is_cut_between_words() -> None:
    body = "word " * 10_000 + "end."
    summary = summarized(body)
    assert summary.method == "extractive"
    assert MOST_CHARACTERS / 2 < len(summary.text) <= MOST_CHARACTERS
    assert summary.text.endswith("word")


def test_a_word_too_long_for_a_summary_is_cut() -> None:
    assert len(summarized("ab" * 25_000).text) == MOST_CHARACTERS


def test_a_long_sentence_is_never_cut_within_markup() -> None:
    for padding in range(200, 260):
        body = (
            "w " * (padding // 2)
            + "x" * (padding % 2)
            + '<a href="some page" title="two words">link</a> &amp; '
            + "tail " * 60
        )
        text = summarized(body).text
        assert "<" not in text
        assert "href" not in text
        assert not text.endswith("&a")


def test_a_long_chinese_sentence_is_cut_before_a_pause() -> None:
    body = "我买这个平板给老妈用，" * 30
    text = summarized(body).text
    assert text.endswith("用")
    assert len(text) <= MOST_CHARACTERS_OF_CHINESE


def test_a_sentence_that_is_mostly_markup_is_read_through_it() -> None:
    link = '<a href="https://shop.example/' + "x" * 400 + '">'
    body = link + "Good strap</a> " + "and so on " * 40
    assert summarized(body).text.startswith("Good strap and so on")


def test_two_sentences_joined_with_a_space_they_did_not_have_fit_in_the_body() -> None:
    body = "A strap of " + "b" * 100 + " too.Cables of " + "d" * 100 + " too.Ok"
    sentences = split_sentences(body)
    assert len(sentences) == 3
    summary = summarize(body, sentences, np.eye(3, 8, dtype=np.float32))
    assert len(summary.spans) == 2
    assert len(summary.text) <= len(body)


def test_a_body_read_in_part_only_is_no_verbatim_summary() -> None:
    body = "One strap. Two straps. Three straps."
    summary = summarize(body, [Span(0, 10), Span(11, 22)], np.eye(2, 8, dtype=np.float32))
    assert summary.method == "extractive"


def test_worth_decides_between_sentences_that_are_alike() -> None:
    body = (
        "I bought this strap for my wife. The battery died after two days of use. " + "It is a strap. " * 20
    )
    sentences = split_sentences(body)
    worth = np.full(len(sentences), 0.1)
    worth[1] = 0.9
    summary = summarize(body, sentences, np.ones((len(sentences), 8), np.float32), worth)
    assert summary.text == "The battery died after two days of use."


@pytest.mark.parametrize(
    ("sentence", "states"),
    [
        ("It is good.", 1),
        ("Is it good?", 0.5),
        ('"Why not?!"', 0.5),
        ("质量好吗？", 0.5),
        ("(Really?)", 0.5),
        ("No!!", 1),
        ("I bought this for my wife.", 0.7),
        ("So, my wife likes it.", 0.7),
        ("If it breaks, write to them.", 0.7),
        ("<b>I</b> like it.", 1),
        ("Imagine a strap that holds.", 1),
        ("In our house it is loved.", 1),
    ],
)
def test_a_question_states_less_and_so_does_what_is_said_of_the_reviewer_or_of_a_condition(
    sentence: str, states: float
) -> None:
    assert statement(sentence, [Span(0, len(sentence))])[0] == pytest.approx(states)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [("", False), ("Good.", False), ("Good. Fine.", False), (LONG, True), ("x" * 300, True)],
)
def test_a_choice_is_wanted_where_the_body_is_not_its_own_summary(body: str, wanted: bool) -> None:
    assert wants_choice(body, split_sentences(body)) == wanted
    assert (summarized(body).method == "extractive") == wanted


PIECES = st.lists(
    st.sampled_from(
        [
            *SENTENCES,
            " ",
            "<br>",
            "\n",
            "很好。",
            "物流很快，包装也不错！",
            "&lt;p&gt;",
            "a@b.example ",
            "Wow!!!!!",
            "x" * 130,
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=150)
@given(st.one_of(PIECES, st.text(max_size=80)), st.integers(0, 3))
def test_a_summary_is_what_its_spans_say_and_never_longer_than_the_body(body: str, seed: int) -> None:
    summary = summarized(body, seed)
    assert summary.text == quote(body, summary.spans)
    assert len(summary.text) <= len(body)
    assert all(0 <= start < end <= len(body) for start, end in summary.spans)
    assert bool(summary.text) == bool(clean(body)) == (summary.method != "none")


@pytest.mark.parametrize(
    "datum", ["4111 1111 1111 1111", "annabella.kowalski@example.com", "+1 (415) 555-0133", "192.168.17.24"]
)
def test_a_cut_never_leaves_half_of_what_would_have_been_masked(datum: str) -> None:
    for num_words in range(30, 60):
        body = "Well " + "word " * num_words + f"reach me at {datum} and then " + "more words " * 30
        summary = summarize(body, [Span(0, len(body))], np.ones((1, 4)))
        assert summary.text == quote(body, summary.spans)
        left = summary.text.partition("reach me at")[2].split()
        assert all(word in ("and", "then", "more", "words") or word.startswith("[") for word in left), summary
