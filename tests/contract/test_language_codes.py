import pytest

from reviewmine.contract.language_codes import iso_639_1


@pytest.mark.parametrize("written", ["en", "EN", " en ", "en-US", "en_GB", "eng", "ENG-us"])
def test_codes_of_a_language_in_any_usual_spelling_are_one(written: str) -> None:
    assert iso_639_1(written) == "en"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("zh-Hant-TW", "zh"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("cmn", "zh"),
        ("ger", "de"),
        ("deu", "de"),
        ("nob", "nb"),
    ],
)
def test_three_letter_codes_and_scripts_are_known(written: str, code: str) -> None:
    assert iso_639_1(written) == code


@pytest.mark.parametrize("written", [None, "", "und", "xx", "english", "e", "en US", "1", "zz-ZZ", "en-"])
def test_what_is_no_code_is_none(written: str | None) -> None:
    assert iso_639_1(written) is None
