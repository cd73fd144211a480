import pytest

from reviewmine.text.stops import STOP, ends_sentence


def ends(before: str, stop: str, after: str, sentence_start: int = 0) -> bool:
    text = before + stop + after
    match = STOP.match(text, len(before))
    assert match is not None
    return ends_sentence(text, match, sentence_start)


@pytest.mark.parametrize(
    "before", ["Dr", "approx", "e.g", "i.e", "vs", "J", "no", "made in the U.S", "12", "at 5 p.m"]
)
def test_a_full_stop_after_an_abbreviation_or_a_list_number_ends_nothing(before: str) -> None:
    assert not ends(before, ".", " 5 of them")


@pytest.mark.parametrize(
    "before", ["It works", "plugged it in", "so do I", "costs 120", "It is on", "etc", "the U.S"]
)
def test_a_full_stop_before_an_opening_word_ends_a_sentence(before: str) -> None:
    assert ends(before, ".", " The rest")


@pytest.mark.parametrize("after", ["5", "com", "the", "Com", "NET", "Smith@mail.example"])
def test_a_stop_glued_to_what_follows_ends_nothing(after: str) -> None:
    assert not ends("see great", ".", after)


@pytest.mark.parametrize("after", ["The", "I love", "好", "It's", "<b>"])
def test_a_stop_glued_to_a_new_beginning_ends_a_sentence(after: str) -> None:
    assert ends("it was great", ".", after)


def test_shouting_without_a_space_is_two_sentences() -> None:
    assert ends("IT WAS GREAT", ".", "LOVE IT")
    assert not ends("ASP", ".", "NET")


def test_an_ellipsis_ends_a_sentence_only_before_a_new_beginning() -> None:
    assert ends("well", "...", " But no")
    assert not ends("well", "...", " but no")
    assert not ends("about", "…", " 5 days")


def test_an_emoji_after_who_loves_is_a_verb() -> None:
    assert not ends("I ", "❤️", " Berlin")
    assert ends("Good ", "❤️", " Buy it")
    assert not ends("", "😀", " Good")


def test_what_ends_the_text_ends_the_sentence() -> None:
    assert ends("Dr", ".", "")
    assert ends("Dr", ".", "  \n")
