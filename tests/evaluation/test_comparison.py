import dataclasses

import numpy as np
import pytest
from made_answers import make_answers
from scipy.stats import binomtest

from reviewmine.errors import CheckpointError
from reviewmine.evaluation.answers import Answers, Several
from reviewmine.evaluation.comparison import compare

NAN = float("nan")


def random_answers(seed: int, right: float, rows: int = 500) -> Answers:
    rng, truth = np.random.default_rng(seed), np.random.default_rng(99).choice(3, rows, p=[0.2, 0.1, 0.7])
    found = np.where(rng.random(rows) < right, truth, rng.choice(3, size=rows))
    return make_answers(
        truth.tolist(),
        found.tolist(),
        confidence=rng.uniform(0.5, 1.0, rows).tolist(),
        intensities=rng.random(rows).tolist(),
        name=f"{seed}",
    )


def test_differences_are_those_of_figures_counted_by_hand() -> None:
    here = make_answers([0, 0, 2, 2, NAN], [0, 0, 2, 0, 1], intensities=[1, 1, 1, 0.5, 1])
    there = make_answers([0, 0, 2, 2, NAN], [0, 2, 2, 2, 0], intensities=[1, 0, 1, 1, 1], confidence=0.6)
    found = compare(here, there)
    polarity = found["polarity"]
    assert polarity["rows"] == 4
    assert polarity["changed"] == 2
    assert polarity["accuracy"]["difference"] == 0
    assert polarity["macro_f1"]["found"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert polarity["calibration_error"]["found"] == pytest.approx(0.15, abs=1e-6)
    assert polarity["calibration_error"]["reference"] == pytest.approx(0.15, abs=1e-6)
    assert polarity["mcnemar"] == {"only_here_right": 1, "only_there_right": 1, "p_value": 1.0}
    assert found["intensity"]["mae"]["found"] == pytest.approx(0.1)
    assert found["intensity"]["mae"]["difference"] == pytest.approx(-0.1)


def test_swapping_the_two_swaps_the_signs() -> None:
    one, other = random_answers(1, 0.8), random_answers(2, 0.6)
    forth, back = compare(one, other), compare(other, one)
    for head, name in (
        ("polarity", "macro_f1"),
        ("polarity", "accuracy"),
        ("polarity", "calibration_error"),
        ("intensity", "mae"),
    ):
        there, here = forth[head][name], back[head][name]
        assert there["difference"] == pytest.approx(-here["difference"])
        assert there["interval"] == pytest.approx([-bound for bound in here["interval"][::-1]])
        assert there["interval"][0] < there["difference"] < there["interval"][1]
    assert forth["polarity"]["mcnemar"]["p_value"] == back["polarity"]["mcnemar"]["p_value"] < 0.001
    assert forth["polarity"]["accuracy"]["interval"][0] > 0


def test_mcnemar_counts_only_rows_that_one_of_the_two_tells_right() -> None:
    truth = [0] * 20
    found = compare(make_answers(truth, [0] * 19 + [2]), make_answers(truth, [0] * 10 + [2] * 9 + [0]))
    test = found["polarity"]["mcnemar"]
    assert (test["only_here_right"], test["only_there_right"]) == (9, 1)
    assert test["p_value"] == pytest.approx(binomtest(1, 10).pvalue)


def test_a_checkpoint_does_not_differ_from_itself() -> None:
    answers = random_answers(1, 0.7)
    found = compare(answers, answers)
    assert found["polarity"]["macro_f1"]["interval"] == (0, 0)
    assert found["polarity"]["mcnemar"]["p_value"] == 1


def with_topics(counts: list[list[float]], *names: str) -> Answers:
    several = Several(
        of_tokens=False, names=names, counts=np.asarray(counts, np.float32), figures={}, before={}
    )
    return dataclasses.replace(make_answers([0] * len(counts), [0] * len(counts)), others={"topics": several})


def test_heads_of_several_answers_are_compared_by_macro_f1_on_the_rows_that_are_labelled() -> None:
    here = with_topics([[1, 1, 1], [1, 1, 1], [NAN] * 3, [0, 1, 0]] * 20, "bug")
    there = with_topics([[0, 1, 0], [1, 1, 1], [NAN] * 3, [0, 0, 1]] * 20, "bug")
    found = compare(here, there)["topics"]
    assert found["rows"] == 60
    assert found["macro_f1"]["found"] == pytest.approx(2 * 2 / (3 + 2))
    assert found["macro_f1"]["reference"] == pytest.approx(2 * 1 / (2 + 2))
    low, high = found["macro_f1"]["interval"]
    assert 0 < low < found["macro_f1"]["difference"] < high
    with pytest.raises(CheckpointError, match=r"classes .*praise.* of topics"):
        compare(here, with_topics([[0, 0, 0]] * 80, "praise"))


def test_heads_of_other_classes_are_not_compared() -> None:
    answers = make_answers([0], [0])
    other = dataclasses.replace(answers, names={"polarity": ("bad", "fair", "good")})
    with pytest.raises(CheckpointError, match=r"found classes .*bad.* of polarity, expected .*negative"):
        compare(answers, other)
