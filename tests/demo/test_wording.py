import pytest

from reviewmine.demo.wording import Chance, after_a_turn, as_html, careless, expand, mistyped, tidy


def test_a_seed_gives_the_same_choices_for_ever() -> None:
    chance = Chance(7)
    assert [chance.below(100) for _ in range(5)] == [32, 15, 65, 7, 53]


def test_weighted_choices_come_as_often_as_their_weights_say() -> None:
    chance = Chance(1)
    chosen = [chance.weighted({"often": 9, "seldom": 1}) for _ in range(2000)]
    assert 100 < chosen.count("seldom") < 300


def test_some_gives_different_choices_and_never_more_than_there_are() -> None:
    assert sorted(Chance(3).some("abc", 5)) == ["a", "b", "c"]


def test_a_template_reads_as_each_of_its_choices_and_nothing_else() -> None:
    readings = {
        expand("I {love {@it}|sleep}{!|.}", {"it": ("it", "them")}, Chance(seed)) for seed in range(60)
    }
    assert readings == {f"I {verb}{stop}" for verb in ("love it", "love them", "sleep") for stop in "!."}


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        expand("{@nothing}", {}, Chance(1))


@pytest.mark.parametrize(
    ("rough", "smooth"),
    [
        ("so  good , really .", "so good, really."),
        ("fine. that is all", "fine. That is all"),
        ("wow!.", "wow!"),
        ("one,. two", "one. Two"),
    ],
)
def test_tidy_mends_what_choices_leave_behind(rough: str, smooth: str) -> None:
    assert tidy(rough) == smooth


@pytest.mark.parametrize(
    ("sentence", "turned"),
    [
        ("The lid sticks.", "But the lid sticks."),
        ("A faint squeak.", "But a faint squeak."),
        ("I returned it.", "But I returned it."),
        ("AVOID.", "But AVOID."),
    ],
)
def test_a_turn_takes_the_capital_from_the_sentence_after_it(sentence: str, turned: str) -> None:
    assert after_a_turn("But", sentence) == turned


def test_slips_change_letters_and_little_else() -> None:
    text = "The battery gives up after lunch."
    slipped = {mistyped(text, Chance(seed)) for seed in range(50)}
    assert len(slipped) > 25
    assert all(abs(len(slip) - len(text)) <= 2 and slip[-1] == "." for slip in slipped)
    assert mistyped("OK!", Chance(1)) == "OK!"


def test_careless_texts_have_no_capitals_and_no_apostrophes() -> None:
    assert careless("Don't buy. I did", Chance(1)) == "dont buy. i did"


def test_mark_up_escapes_what_the_writer_typed() -> None:
    for seed in range(20):
        stored = as_html(["Tom's lid & cup", "2 < 3"], Chance(seed))
        assert "Tom&#39;s lid &amp; cup" in stored
        assert "2 &lt; 3" in stored
