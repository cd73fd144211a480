from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from tiny import write_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.examples.labelled import (
    ExamplesSettings,
    balanced_quotas,
    in_validation,
    load_examples,
    only_held_out,
    polarity_shares,
    without_duplicates,
)
from reviewmine.examples.sets import ExampleSet, read_set
from reviewmine.model.spec import BackboneSpec, Spec, Training

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


def test_a_text_is_on_the_same_side_of_the_split_however_it_is_written() -> None:
    bodies = [f"The kettle number {number} is fine" for number in range(2000)]
    validating = in_validation(bodies, 0.2)
    assert 0.17 < validating.mean() < 0.23
    np.testing.assert_array_equal(validating, in_validation([body.upper() + " !" for body in bodies], 0.2))
    assert not (validating & ~in_validation(bodies, 0.3)).any()


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


def test_noise_is_in_training_bodies_alone(tmp_path: Path) -> None:
    root = write_reviews(tmp_path, rows=600)
    sets = (a_set(rows=300),)
    calm = load_examples(ExamplesSettings(sets=sets, validation_share=0.2), root, seed=1)
    noisy = load_examples(ExamplesSettings(sets=sets, validation_share=0.2, noise=0.3), root, seed=1)
    changed = [
        a != b for a, b in zip(calm.train["body"].to_pylist(), noisy.train["body"].to_pylist(), strict=True)
    ]
    assert 0.2 < np.mean(changed) < 0.4
    assert noisy.validation.equals(calm.validation)


def test_what_a_run_held_out_can_be_told_from_its_spec(tmp_path: Path) -> None:
    root = write_reviews(tmp_path, rows=600)
    settings = ExamplesSettings(sets=(a_set(),), validation_share=0.2)
    everything = read_set(a_set(), root)
    backbone = BackboneSpec(name="tiny", inside=True)
    spec = Spec(name="tiny", backbone=backbone, max_tokens=48, clean_version=1, languages=("en",))
    trained = Training(run={"examples": settings.model_dump(mode="json")})
    found = only_held_out(everything, spec.model_copy(update={"training": trained}))
    assert set(found["body"].to_pylist()) == set(
        load_examples(settings, root, seed=1).validation["body"].to_pylist()
    )
    with pytest.raises(TrainingError, match="does not say which share"):
        only_held_out(everything, spec)


def test_joining_takes_training_texts_alone_and_leaves_validation_as_it_was_written(tmp_path: Path) -> None:
    root = write_reviews(tmp_path, rows=600)
    plain = load_examples(ExamplesSettings(sets=(a_set(),), validation_share=0.2), root, seed=1)
    long = load_examples(ExamplesSettings(sets=(a_set(join_words=60),), validation_share=0.2), root, seed=1)
    assert long.validation.equals(plain.validation)
    assert long.natural_shares == plain.natural_shares
    held_out = plain.validation["body"].to_pylist()
    assert not [body for body in long.train["body"].to_pylist() if any(text in body for text in held_out)]
    assert long.train.num_rows < 0.6 * plain.train.num_rows
