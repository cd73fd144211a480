from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tiny import make_reviews, write_reviews

from reviewmine.contract.examples import OPINION_LABELS, ExampleColumns
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.errors import TrainingError
from reviewmine.examples.census import class_shares
from reviewmine.examples.labelled import (
    ExamplesSettings,
    in_validation,
    load_examples,
    only_held_out,
)
from reviewmine.examples.sets import ExampleSet, read_set
from reviewmine.model.spec import BackboneSpec, Spec, Training
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store

COLUMNS = ExampleColumns(body="text", title="title", rating="stars", language="lang")


def a_set(**values: object) -> ExampleSet:
    return ExampleSet.model_validate(
        {"name": "own", "path": "reviews.parquet", "licence": "own", "columns": COLUMNS, "natural": True}
        | values
    )


def test_a_text_is_on_the_same_side_of_the_split_however_it_is_written() -> None:
    bodies = [f"The kettle number {number} is fine" for number in range(2000)]
    validating = in_validation(bodies, 0.2)
    assert 0.17 < validating.mean() < 0.23
    np.testing.assert_array_equal(validating, in_validation([body.upper() + " !" for body in bodies], 0.2))
    assert not (validating & ~in_validation(bodies, 0.3)).any()


def test_training_is_balanced_validation_is_not_and_no_text_is_on_both_sides(tmp_path: Path) -> None:
    write_reviews(tmp_path, 2000)
    settings = ExamplesSettings(sets=(a_set(rows=400),), validation_share=0.2, balance=1.0)
    loaded = load_examples(settings, tmp_path, seed=1)
    counts = Counter(loaded.train["polarity"].to_pylist())
    assert max(counts.values()) - min(counts.values()) <= 1
    assert loaded.natural_shares["polarity"] == pytest.approx((0.25, 0.15, 0.6), abs=0.05)
    assert loaded.sampled_shares["polarity"] == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=0.01)
    assert class_shares(loaded.validation, "polarity", OPINION_LABELS["polarity"]) == pytest.approx(
        (0.25, 0.15, 0.6), abs=0.12
    )
    assert not set(loaded.train["body"].to_pylist()) & set(loaded.validation["body"].to_pylist())


def test_rows_in_a_language_without_a_natural_set_are_validated_apart(tmp_path: Path) -> None:
    write_reviews(tmp_path, 400)
    reviews = pq.read_table(tmp_path / "reviews.parquet")
    place = reviews.schema.get_field_index("lang")
    reviews = reviews.set_column(place, "lang", pa.repeat("de", len(reviews)))
    pq.write_table(
        reviews.set_column(1, "text", pc.binary_join_element_wise("Ja!", reviews["text"], " ")),
        tmp_path / "german.parquet",
    )
    german = a_set().model_copy(update={"name": "german", "path": "german.parquet", "natural": False})
    loaded = load_examples(ExamplesSettings(sets=(a_set(), german), validation_share=0.2), tmp_path, seed=1)
    assert set(loaded.validation["language"].to_pylist()) == {"en"}
    assert set(loaded.elsewhere["language"].to_pylist()) == {"de"}
    assert loaded.comparable_shares["polarity"] != loaded.sampled_shares["polarity"]
    alone = load_examples(ExamplesSettings(sets=(german,), validation_share=0.2), tmp_path, seed=1)
    assert alone.elsewhere.num_rows == 0
    assert alone.validation.num_rows > 0


def test_the_same_seed_draws_the_same_examples_and_another_seed_others(tmp_path: Path) -> None:
    write_reviews(tmp_path, 1000)
    settings = ExamplesSettings(sets=(a_set(rows=200),), validation_share=0.2)
    first, again, other = (load_examples(settings, tmp_path, seed=seed).train for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_without_a_natural_set_the_prior_is_unknown_and_that_is_said(tmp_path: Path) -> None:
    write_reviews(tmp_path, 400)
    settings = ExamplesSettings(sets=(a_set(natural=False),), validation_share=0.2)
    loaded = load_examples(settings, tmp_path, seed=0)
    assert loaded.natural_shares == {}
    assert any("polarity: no set that labels it is marked `natural`" in line for line in loaded.census)


def test_a_set_may_say_itself_which_rows_are_for_validation(tmp_path: Path) -> None:
    table = make_reviews(400)
    sides = ["dev" if row % 4 == 0 else "test" if row % 4 == 1 else "train" for row in range(400)]
    pq.write_table(table.append_column("split", pa.array(sides)), tmp_path / "reviews.parquet")
    one = a_set(split={"column": "split", "validation": "dev"})
    loaded = load_examples(ExamplesSettings(sets=(one,)), tmp_path, seed=0)
    bodies = table["text"].to_pylist()
    assert sorted(loaded.validation["body"].to_pylist()) == sorted(bodies[0::4])
    assert loaded.train.num_rows == 200
    assert not set(loaded.train["body"].to_pylist()) & set(bodies[1::4])


def test_a_side_of_the_split_without_rows_stops_the_run(tmp_path: Path) -> None:
    table = make_reviews(50).append_column("split", pa.array(["train"] * 50))
    pq.write_table(table, tmp_path / "reviews.parquet")
    one = a_set(split={"column": "split"})
    with pytest.raises(TrainingError, match="the validation side of the split is empty"):
        load_examples(ExamplesSettings(sets=(one,)), tmp_path, seed=0)


def test_a_head_that_no_row_has_a_label_of_stops_the_run(tmp_path: Path) -> None:
    heads = {**OPINION_LABELS, "mood": HeadLabels(kind="one", labels=("glad", "sad"))}
    with pytest.raises(TrainingError, match=r"heads\.mood: none of the .* name its column under `labels`"):
        load_examples(
            ExamplesSettings(sets=(a_set(),), validation_share=0.2),
            write_reviews(tmp_path),
            seed=0,
            heads=heads,
        )


def test_a_text_that_was_split_by_a_column_cannot_be_told_by_its_hash() -> None:
    sets = ({"name": "own", "split": {"column": "split"}},)
    examples = {"validation_share": 0.2, "sets": sets}
    backbone = BackboneSpec(name="tiny", inside=True)
    spec = Spec(name="tiny", backbone=backbone, max_tokens=48, clean_version=1, languages=("en",))
    spec = spec.model_copy(update={"training": Training(run={"examples": examples})})
    with pytest.raises(TrainingError, match="own was split by a column"):
        only_held_out(pa.table({"body": ["a"]}), spec)
    before = Training(run={"examples": {"validation_share": 0.2}}, unread_sets=sets)
    with pytest.raises(TrainingError, match="own was split by a column"):
        only_held_out(pa.table({"body": ["a"]}), spec.model_copy(update={"training": before}))


def test_a_set_of_weight_two_is_read_twice_in_training_and_once_in_validation(tmp_path: Path) -> None:
    root = write_reviews(tmp_path, rows=300)
    once, twice = (
        load_examples(ExamplesSettings(sets=(a_set(weight=weight),), validation_share=0.2), root, seed=0)
        for weight in (1.0, 2.0)
    )
    assert twice.train["body"].to_pylist() == [
        body for body in once.train["body"].to_pylist() for _ in range(2)
    ]
    assert twice.validation.equals(once.validation)


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


def test_examples_are_read_from_object_storage(s3_uri: str, tmp_path: Path) -> None:
    file = write_reviews(tmp_path, 60) / "reviews.parquet"
    open_store(Location.parse(s3_uri)).put("sets/reviews.parquet", file.read_bytes())
    settings = ExamplesSettings(sets=(a_set(),), validation_share=0.2)
    there = load_examples(settings, f"{s3_uri}/sets", seed=3)
    here = load_examples(settings, tmp_path, seed=3)
    assert there.train == here.train
    assert there.validation == here.validation
