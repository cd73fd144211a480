import pyarrow as pa
import pytest
from made_answers import make_answers

from reviewmine.evaluation.perturb import PERTURBATIONS, perturbed

TEXT = "Really, the battery isn't great (see https://example.com/a.b): it died after 2.5 weeks!"


def one(perturbation: str, body: str = TEXT, seed: int = 0) -> str:
    examples = make_answers([0], [0], body=[body], title=["Bad battery"]).examples
    return str(perturbed(examples, perturbation, seed=seed)["body"][0].as_py())


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_the_same_seed_changes_the_same_rows_in_the_same_way(perturbation: str) -> None:
    bodies = [f"{TEXT} {number} weeks of great sound." for number in range(30)]
    examples = make_answers([0] * 30, [0] * 30, body=bodies).examples
    once, again = (perturbed(examples, perturbation, seed=3) for _ in range(2))
    assert once.equals(again)
    assert once.schema == examples.schema
    assert all(old != new for old, new in zip(bodies, once["body"].to_pylist(), strict=True))
    if perturbation != "punctuation_dropped":
        assert not once.equals(perturbed(examples, perturbation, seed=4))


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_a_text_of_which_nothing_would_be_left_stays(perturbation: str) -> None:
    examples = make_answers([0, 0], [0, 0], body=["!!!", "..."], title=[None, ""]).examples
    assert None not in perturbed(examples, perturbation)["body"].to_pylist()
    assert perturbed(examples, "punctuation_dropped").equals(examples)


def test_each_does_what_it_is_called_and_nothing_else() -> None:
    assert one("case") in (TEXT.upper(), TEXT.lower())
    assert one("emoji_added").startswith(TEXT + " ")
    assert len(one("words_dropped").split()) == len(TEXT.split()) - 1
    assert one("words_dropped", "not good at") == "not good at"
    assert one("typos").count(" ") == TEXT.count(" ")
    without = "Really the battery isn't great see https://example.com/a.b it died after 2.5 weeks"
    assert one("punctuation_dropped").split() == without.split()
    assert one("punctuation_dropped", "很好，但是贵。").split() == ["很好", "但是贵"]


def test_titles_are_changed_as_bodies_are() -> None:
    examples = make_answers([0], [0], title=["Bad battery"]).examples
    assert perturbed(examples, "case")["title"][0].as_py() in ("BAD BATTERY", "bad battery")
    assert isinstance(perturbed(examples, "typos"), pa.Table)
