import pytest

from reviewmine.evaluation.traits import with_emoji, with_negation, with_typos


@pytest.mark.parametrize("text", ["nice 😀", "I ❤️ it", "ok :)", "broken ;-("])
def test_emoji_and_typed_smiles_are_seen(text: str) -> None:
    assert with_emoji([text, "at 10:30 (sharp): fine"]).tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["It is not bad", "I can't hear it", "I DIDN’T", "nie wieder", "rien de spécial", "质量不好", "没有用"],
)
def test_negation_is_seen_in_several_languages(text: str) -> None:
    assert with_negation([text, "a knot in the nothingness of noise, 很好"]).tolist() == [True, False]


def test_a_rare_word_one_slip_away_from_a_common_one_is_a_typing_error() -> None:
    common = ["the battery works", "the batteries work"] * 30
    odd = ["the batery works", "the battert works", "a butter dish", "sooo good"]
    assert with_typos(common + odd)[60:].tolist() == [True, False, False, True]
    assert not with_typos(common + odd)[:60].any()
    assert not with_typos(["the batery works", "the battery works"]).any()
