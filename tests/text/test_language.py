import os
import subprocess
import sys

import pytest
from golden_texts import golden

from reviewmine.text.language import identify


@golden("language")
def test_identify_names_the_golden_language(text: str, expected: str) -> None:
    assert identify(text) == expected


def test_the_script_of_most_letters_decides() -> None:
    assert identify("The strap is called 好 in the shop and it is good") == "en"
    assert identify("非常好用的耳机 OK") == "zh"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("收到Sony WH-1000XM5，音质很好，比AirPods Pro强", "zh"),
        ("买了一个iPhone 15 Pro Max，Very good！", "zh"),
        ("ThinkPad X1 Carbon运行Windows很流畅", "zh"),
        ("WILDBOYZと同時発売のVIVA LA BAM", "ja"),
        ("Lovely 红茶 tea", "en"),
        ("Tasted like real 麻婆豆腐, my family loved it", "en"),
        ("The label says 红茶 (black tea) but it is green", "en"),
        ("Bought the Déjà Vu perfume and the Doppelgänger mug, both are fine", "en"),
        ("La Roche-Posay cream, very light", "en"),
        ("Das Logitech MX Master Keyboard ist sehr gut", "de"),
        ("このLogitechのマウスはとても使いやすい", "ja"),
    ],
)
def test_brands_and_words_of_another_language_do_not_decide(text: str, language: str) -> None:
    assert identify(text) == language


def test_where_two_languages_are_as_likely_every_worker_names_the_same() -> None:
    text = "bien recu rapide efficace rien a dire si un mot : merci"
    program = f"from reviewmine.text.language import identify; print(identify({text!r}))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)}, text=True, capture_output=True, check=True,
        ).stdout
        for seed in range(6)
    }  # fmt: skip
    assert len(found) == 1


def test_a_megabyte_is_identified_by_its_beginning() -> None:
    assert identify("Das ist nicht gut. " * 55_000) == "de"


@pytest.mark.parametrize(
    "text",
    [
        "Sony の headphones sound fine",
        "Works great. Love it! ありがとう",
        "Nice keyboard, sturdy, 在",
        "Great sound and bass 很好 would buy again",
    ],
)
def test_a_few_words_of_chinese_or_japanese_do_not_take_an_english_review_away(text: str) -> None:
    assert identify(text) == "en"
