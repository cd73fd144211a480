import unicodedata

import pytest

from reviewmine.text.fold import fold


def test_no_character_of_unicode_grows_when_folded() -> None:
    for first in range(0, 0x110000, 0x1000):
        characters = "".join(map(chr, range(first, first + 0x1000)))
        assert len(fold(characters)) <= len(characters)


def test_every_fullwidth_ascii_character_becomes_its_plain_twin() -> None:
    assert fold("".join(map(chr, range(0xFF01, 0xFF5F)))) == "".join(map(chr, range(0x21, 0x7F)))


def test_ascii_that_can_be_seen_stays_as_it_is() -> None:
    visible = "".join(map(chr, range(0x20, 0x7F)))
    assert fold(visible) == visible


@pytest.mark.parametrize(
    "kept", ["²", "½", "①", "ﬁ", "™", "№", "…", "—", "€", "°", "ß", "ı", "É", "。", "、"]
)
def test_what_nfkc_would_change_in_meaning_or_length_is_kept(kept: str) -> None:
    assert fold(kept) == kept


def test_accents_are_composed_up_to_three_on_a_letter() -> None:
    assert fold("e\u0301") == "é"
    assert fold("a" + "\u0301" * 9) == unicodedata.normalize("NFC", "a" + "\u0301" * 9)


def test_a_joiner_stays_between_pictures_and_goes_elsewhere() -> None:
    assert fold("👩\u200d🔧 a\u200db \u200d👩") == "👩\u200d🔧 ab 👩"


def test_a_variation_selector_stays_on_a_picture_or_a_keycap_and_goes_elsewhere() -> None:
    assert fold("❤\ufe0f 3\ufe0f\u20e3 a\ufe0f") == "❤\ufe0f 3\ufe0f\u20e3 a"
