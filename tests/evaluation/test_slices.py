import pytest
from made_answers import make_answers

from reviewmine.evaluation.slices import NO_VALUE, OTHER, slice_figures, slices_of


def test_every_row_lies_in_one_slice_of_each_slicing() -> None:
    bodies = ["It is good 😀", "Das ist nicht gut und ich bin sehr enttäuscht", "not bad " * 20, "soooo nice"]
    answers = make_answers([2, 0, 2, 2], [2, 0, 0, 2], body=bodies, rating=[5, 1, 4, None])
    slices = slices_of(answers)
    assert list(slices) == ["language", "length", "rating", "emoji", "negation", "typos"]
    for name, found in slices.items():
        assert sum(rows.astype(int) for rows in found.values()).tolist() == [1] * 4, name
    assert slices["language"]["de"].tolist() == [False, True, False, False]
    assert slices["length"]["33 to 64"].tolist() == [False, False, True, False]
    assert list(slices["rating"]) == [NO_VALUE, "1", "4", "5"]
    assert slices["emoji"]["with"].tolist() == [True, False, False, False]
    assert slices["negation"]["with"].tolist() == [False, True, True, False]
    assert slices["typos"]["with"].tolist() == [False, False, False, True]


def test_the_figures_of_a_slice_are_those_of_its_rows_and_few_rows_are_marked() -> None:
    truth, found = [0, 0, 2, 2] * 50, [0, 2, 2, 2] * 50
    shops = ["new", "old", "new", "old"] * 48 + ["none", None] * 4
    figures = slice_figures(make_answers(truth, found, shop=shops), ["shop"])["shop"]
    assert list(figures) == ["new", "old", "none", NO_VALUE]
    assert (figures["new"]["rows"], figures["new"]["small"]) == (96, True)
    assert figures["new"]["polarity"]["accuracy"] == 1.0
    assert figures["old"]["polarity"]["accuracy"] == 0.5
    assert figures["old"]["intensity"]["mae"] == 0.5
    all_rows = slice_figures(make_answers(truth, found))["emoji"]
    assert list(all_rows) == ["without"]
    assert not all_rows["without"]["small"]
    low, high = all_rows["without"]["polarity"]["macro_f1_interval"]
    assert all_rows["without"]["polarity"]["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert low < (2 / 3 + 0.8) / 2 < high


def test_rare_values_are_joined_and_values_are_masked_and_cut() -> None:
    shops = ["anna@example.org"] * 3 + ["x" * 100] * 2 + [f"shop {n}" for n in range(40)]
    slices = slices_of(make_answers([0] * 45, [0] * 45, shop=shops), ["shop"])["shop"]
    assert len(slices) == 21
    assert slices[OTHER].sum() == 22
    assert slices["[mail]"].sum() == 3
    assert slices["x" * 79 + "…"].sum() == 2


def test_a_slice_without_labels_has_rows_and_no_figures() -> None:
    nan = float("nan")
    found = slice_figures(make_answers([nan, 0], [0, 0], shop=["a", "b"]), ["shop"])["shop"]
    assert found["a"]["polarity"] == {"rows": 0}
    assert found["b"]["polarity"]["macro_f1"] == 1
