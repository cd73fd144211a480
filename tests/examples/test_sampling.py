from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.sampling import balanced_quotas, read_by_weight, sampled
from reviewmine.examples.sets import ExampleSet

HEADS = {
    "force": HeadLabels(kind="number"),
    "mood": HeadLabels(kind="one", labels=("glad", "sad")),
    "subject": HeadLabels(kind="one", labels=("lamp", "case")),
}


def a_set(name: str, **values: object) -> ExampleSet:
    return ExampleSet.model_validate({"name": name, "path": name, "licence": "own"} | values)


@pytest.mark.parametrize(
    ("available", "rows", "balance", "quotas"),
    [
        ([100, 100, 100], 30, 1.0, [10, 10, 10]),
        ([10, 20, 70], 50, 0.0, [5, 10, 35]),
        ([2, 100, 100], 52, 1.0, [2, 25, 25]),
        ([5, 5, 5], 100, 1.0, [5, 5, 5]),
        ([0, 8, 8], 8, 0.5, [0, 4, 4]),
    ],
)
def test_quotas_lie_between_natural_and_equal_shares(
    available: list[int], rows: int, balance: float, quotas: list[int]
) -> None:
    assert balanced_quotas(np.array(available), rows, balance).tolist() == quotas


def test_each_set_is_balanced_by_the_first_head_of_words_that_it_labels() -> None:
    table = pa.table(
        {
            "set": ["a"] * 100 + ["b"] * 100 + ["c"] * 100,
            "mood": ["glad"] * 80 + ["sad"] * 20 + [None] * 200,
            "subject": ["lamp"] * 100 + ["lamp"] * 90 + ["case"] * 10 + [None] * 100,
        }
    )
    sets = [
        a_set("a", rows=30, labels={"mood": {"column": "x"}, "subject": {"column": "y"}}),
        a_set("b", rows=20, labels={"subject": {"column": "y"}}),
        a_set("c", rows=7, labels={"force": {"column": "z"}}),
    ]
    found = sampled(table, sets, HEADS, np.random.default_rng(0), balance=1.0, share=1.0)
    taken = Counter(
        zip(found["set"].to_pylist(), found["mood"].to_pylist(), found["subject"].to_pylist(), strict=True)
    )
    assert taken == {
        ("a", "glad", "lamp"): 15,
        ("a", "sad", "lamp"): 15,
        ("b", None, "lamp"): 10,
        ("b", None, "case"): 10,
        ("c", None, None): 7,
    }


@pytest.mark.parametrize(("weight", "rows"), [(0.5, 20), (1.0, 40), (1.25, 50), (3.0, 120)])
def test_a_weight_says_how_often_the_rows_of_a_set_are_read(weight: float, rows: int) -> None:
    table = pa.table({"set": ["a"] * 40 + ["b"] * 5, "body": [str(number) for number in range(45)]})
    found = read_by_weight(table, [a_set("a", weight=weight), a_set("b")], np.random.default_rng(0))
    times = Counter(found["body"].to_pylist())
    assert found["set"].to_pylist().count("a") == rows
    assert all(times[str(number)] in (int(weight), int(weight) + 1) for number in range(40))
    assert all(times[str(number)] == 1 for number in range(40, 45))
