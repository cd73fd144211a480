from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from tiny import make_reviews, write_reviews

from reviewmine.contract.examples import EXAMPLES_SCHEMA, ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.train.examples import (
    ExampleSet,
    ExamplesSettings,
    balanced_quotas,
    in_validation,
    joined,
    load_examples,
    normalised,
    polarity_shares,
    read_set,
    without_duplicates,
)

COLUMNS = ExampleColumns(body="text", title="title", rating="stars", language="lang")


def a_set(**values: object) -> ExampleSet:
    return ExampleSet.model_validate(
        {"name": "own", "path": "reviews.parquet", "licence": "own", "columns": COLUMNS, "natural": True}
        | values
    )


def examples(*rows: tuple[str, str | None]) -> pa.Table:
    table = pa.table(
        {"body": pa.array([r[0] for r in rows]), "polarity": pa.array([r[1] for r in rows], pa.string())}
    )
    return conform(table, ExampleColumns(polarity="polarity"), where="here")


def test_texts_that_differ_in_case_and_punctuation_alone_are_one_text() -> None:
    assert normalised("It's GREAT!!") == normalised("it s great") == "it s great"


def test_of_copies_the_first_is_kept_and_of_copies_that_disagree_none() -> None:
    table = examples(
        ("Good lamp", "positive"),
        ("good lamp!", "positive"),
        ("So so", "neutral"),
        ("so so.", "negative"),
        ("!!", None),
    )
    kept, num_duplicates, num_conflicts = without_duplicates(table)
    assert kept["body"].to_pylist() == ["Good lamp"]
    assert (num_duplicates, num_conflicts) == (2, 1)


def test_joined_reviews_have_equal_stars_enough_words_and_no_text_twice(tmp_path: Path) -> None:
    table = read_set(a_set(), write_reviews(tmp_path))
    long = joined(table, 60, np.random.default_rng(0))
    bodies = dict(zip(table["body"].to_pylist(), table["rating"].to_pylist(), strict=True))
    lengths = [len(body.split()) for body in long["body"].to_pylist()]
    used: list[str] = []
    for body, stars in zip(long["body"].to_pylist(), long["rating"].to_pylist(), strict=True):
        parts = [part for part in bodies if part in body]
        assert {bodies[part] for part in parts} == {stars}
        assert " ".join(parts) == body
        used += parts
    assert len(used) == len(set(used))
    assert min(lengths) >= 8
    assert max(lengths) > 40
    assert sum(lengths) > 0.9 * sum(len(body.split()) for body in bodies)


def test_joined_texts_are_told_apart_by_full_stops() -> None:
    table = conform(
        pa.table(
            {"body": ["Nice lamp ", "it works!", "so so", "for the price I paid"], "stars": [5, 5, 3, 5]}
        ),
        ExampleColumns(rating="stars"),
        where="here",
    )
    long = joined(table, 8, np.random.default_rng(0))
    assert long["body"].to_pylist() == ["Nice lamp. it works! for the price I paid."]
    assert long["polarity"].to_pylist() == ["positive"]


def test_a_joined_set_cannot_tell_natural_shares() -> None:
    with pytest.raises(ValueError, match="drop one of the two"):
        a_set(join_words=50)


def test_a_text_is_on_the_same_side_of_the_split_however_it_is_written() -> None:
    bodies = [f"The kettle number {number} is fine" for number in range(2000)]
    validating = in_validation(bodies, 0.2)
    assert 0.17 < validating.mean() < 0.23
    np.testing.assert_array_equal(validating, in_validation([body.upper() + " !" for body in bodies], 0.2))
    assert not (validating & ~in_validation(bodies, 0.3)).any()


def test_sets_are_read_by_length_and_language(tmp_path: Path) -> None:
    table = make_reviews(50).set_column(3, "lang", pa.array(["en", "de"] * 25))
    pyarrow.csv.write_csv(table, tmp_path / "reviews.csv")
    read = read_set(a_set(path="reviews.csv", languages=("en",), max_words=40), tmp_path)
    assert read.num_rows == 25
    assert read.schema.names == [*EXAMPLES_SCHEMA.names, "set"]
    assert read_set(a_set(path="reviews.csv", max_words=5), tmp_path).num_rows == 0


def test_a_set_that_is_not_there_says_which_and_how_to_say_where(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"own: .*reviews\.parquet is not there; give --examples-root"):
        read_set(a_set(), tmp_path)


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


def test_training_is_balanced_validation_is_not_and_no_text_is_on_both_sides(tmp_path: Path) -> None:
    write_reviews(tmp_path, 2000)
    settings = ExamplesSettings(sets=(a_set(rows=400),), validation_share=0.2, balance=1.0)
    loaded = load_examples(settings, tmp_path, seed=1)
    counts = Counter(loaded.train["polarity"].to_pylist())
    assert max(counts.values()) - min(counts.values()) <= 1
    assert loaded.natural_shares == pytest.approx((0.25, 0.15, 0.6), abs=0.05)
    assert loaded.sampled_shares == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=0.01)
    assert polarity_shares(loaded.validation) == pytest.approx((0.25, 0.15, 0.6), abs=0.12)
    assert not set(loaded.train["body"].to_pylist()) & set(loaded.validation["body"].to_pylist())


def test_the_same_seed_draws_the_same_examples_and_another_seed_others(tmp_path: Path) -> None:
    write_reviews(tmp_path, 1000)
    settings = ExamplesSettings(sets=(a_set(rows=200),), validation_share=0.2)
    first, again, other = (load_examples(settings, tmp_path, seed=seed).train for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_without_a_natural_set_the_prior_is_unknown_and_that_is_said(tmp_path: Path) -> None:
    write_reviews(tmp_path, 100)
    with pytest.raises(TrainingError, match="marked `natural`"):
        load_examples(ExamplesSettings(sets=(a_set(natural=False),)), tmp_path, seed=0)


def test_a_class_that_never_occurs_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="0 neutral"):
        polarity_shares(examples(("a", "positive"), ("b", "negative")))
