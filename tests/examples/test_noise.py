import numpy as np

from reviewmine.examples.noise import (
    noisy,
    slipped,
    slips_of,
    varied,
    with_picture,
    with_slips,
    without_some_words,
)

TEXT = "The battery died after seven short weeks, and nobody ever answered my letters. 东西很好 5/5"


def test_a_slip_changes_few_letters_of_few_words_and_nothing_else() -> None:
    for seed in range(200):
        slipped = with_slips(TEXT, np.random.default_rng(seed))
        words, before = slipped.lower().split(), TEXT.lower().split()
        assert len(words) == len(before)
        changed = [(a, b) for a, b in zip(before, words, strict=True) if a != b]
        assert len(changed) == 1
        assert all(abs(len(a) - len(b)) <= 1 and a[0] == b[0] for a, b in changed)
        assert slipped.endswith("东西很好 5/5")


def test_about_the_share_that_was_asked_for_is_touched() -> None:
    texts = [f"{TEXT} {number}" for number in range(1000)]
    found = noisy(texts, 0.2, np.random.default_rng(0))
    assert 0.15 < np.mean([a != b for a, b in zip(texts, found, strict=True)]) < 0.25


def test_texts_without_a_long_word_and_a_share_of_nothing_stay_as_they_are() -> None:
    assert with_slips("ok", np.random.default_rng(0)).lower() == "ok"
    assert noisy([TEXT, ""], 0.0, np.random.default_rng(0)) == [TEXT, ""]


def test_the_same_seed_makes_the_same_slips() -> None:
    assert noisy([TEXT] * 9, 0.5, np.random.default_rng(3)) == noisy(
        [TEXT] * 9, 0.5, np.random.default_rng(3)
    )


def test_one_of_eight_longer_words_slips_and_keeps_its_case() -> None:
    text = "SUPERB headphones " * 20
    words = [with_slips(text, np.random.default_rng(seed)).split() for seed in range(50)]
    kept_case = [
        found for found in words if any(w.isupper() for w in found) and any(w.islower() for w in found)
    ]
    assert len(kept_case) > 30
    for found in kept_case:
        assert sum(a != b for a, b in zip(found, text.split(), strict=True)) == 5
        assert all(word.isupper() or word.islower() for word in found)


def test_markup_links_and_addresses_are_left_for_cleaning_to_recognise() -> None:
    fixed = ("&quot;", "<strong>", "https://example.com/lamps", "someone@example.com")
    text = " some longer words ".join(fixed)
    for seed in range(100):
        assert all(part in with_slips(text, np.random.default_rng(seed)).lower() for part in fixed[1:])


def test_the_slips_of_a_word_are_those_that_noise_makes_but_for_those_of_its_last_letter() -> None:
    known = set(slips_of("battery"))
    made = {slipped("battery", np.random.default_rng(seed)) for seed in range(300)}
    assert made - known == {"batter", "batteryy", "battert", "batteru"}
    assert known <= made
    assert "battery" not in known


def test_slips_alone_leave_case_as_it_is() -> None:
    found = [slipped("SUPERB headphones", np.random.default_rng(seed)) for seed in range(100)]
    assert all(text.split()[0].isupper() and text.split()[1].islower() for text in found)


def test_a_picture_is_put_behind_a_text_that_stays_as_it_was() -> None:
    for seed in range(20):
        found = with_picture(TEXT, np.random.default_rng(seed))
        assert found.startswith(TEXT + " ")
        assert len(found) == len(TEXT) + 2


def test_words_that_are_left_out_are_few_and_never_those_that_turn_an_opinion_round() -> None:
    text = "It does not fit and I don't like the colour, but it was never too loud for a room"
    for seed in range(200):
        left = without_some_words(text, np.random.default_rng(seed)).split()
        assert len(left) == len(text.split()) - 1
        assert {"not", "don't", "but", "never"} <= set(left)
        words = iter(text.split())
        assert all(word in words for word in left)


def test_of_a_short_text_and_of_one_without_spaces_no_word_is_left_out() -> None:
    for text in ("very good battery indeed", "这个电池用了两天就坏了，客服也不理人", ""):
        assert without_some_words(text, np.random.default_rng(0)) == text


def test_shares_of_pictures_and_of_left_out_words_are_those_asked_for_and_seeded() -> None:
    texts = [f"{TEXT} {number}" for number in range(1000)]
    found = varied(texts, emoji=0.2, word_drop=0.5, rng=np.random.default_rng(1))
    assert found == varied(texts, emoji=0.2, word_drop=0.5, rng=np.random.default_rng(1))
    changed = np.mean([a != b for a, b in zip(texts, found, strict=True)])
    assert 0.55 < changed < 0.65
    assert varied(texts, emoji=0.0, word_drop=0.0, rng=np.random.default_rng(1)) == texts
