from golden_texts import golden

from reviewmine.text.language import identify


@golden("language")
def test_identify_names_the_golden_language(text: str, expected: str) -> None:
    assert identify(text) == expected


def test_the_script_of_most_letters_decides() -> None:
    assert identify("The strap is called 好 in the shop and it is good") == "en"
    assert identify("非常好用的耳机 OK") == "zh"


def test_a_megabyte_is_identified_by_its_beginning() -> None:
    assert identify("Das ist nicht gut. " * 55_000) == "de"
