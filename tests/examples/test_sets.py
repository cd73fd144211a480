from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from tiny import make_reviews

from reviewmine.contract.examples import EXAMPLES_SCHEMA, ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.examples.sets import ExampleSet, normalised, only_languages, read_set

COLUMNS = ExampleColumns(body="text", title="title", rating="stars", language="lang")


def a_set(**values: object) -> ExampleSet:
    return ExampleSet.model_validate(
        {"name": "own", "path": "reviews.parquet", "licence": "own", "columns": COLUMNS, "natural": True}
        | values
    )


def test_texts_that_differ_in_case_and_punctuation_alone_are_one_text() -> None:
    assert normalised("It's GREAT!!") == normalised("it s great") == "it s great"


def test_sets_are_read_by_length_and_language(tmp_path: Path) -> None:
    table = make_reviews(50).set_column(3, "lang", pa.array(["en", "de"] * 25))
    pyarrow.csv.write_csv(table, tmp_path / "reviews.csv")
    read = read_set(a_set(path="reviews.csv", languages=("en",), max_words=40), tmp_path)
    assert read.num_rows == 25
    assert read.schema.names == [*EXAMPLES_SCHEMA.names, "set", "held_out"]
    assert read_set(a_set(path="reviews.csv", max_words=5), tmp_path).num_rows == 0


def test_a_set_that_is_not_there_says_which_and_how_to_say_where(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"own: .*reviews\.parquet is not there; give --examples-root"):
        read_set(a_set(), tmp_path)


def test_one_language_leaves_out_the_others_and_rows_without_one() -> None:
    rows = pa.table({"body": ["a", "b", "c"], "lang": ["en", "de", None]})
    examples = conform(rows, ExampleColumns(language="lang"), where="here")
    assert only_languages(examples, ["en"])["body"].to_pylist() == ["a"]


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl", "reviews.parquet"])
def test_a_broken_file_is_an_error_that_names_it_and_nobody_in_it(tmp_path: Path, name: str) -> None:
    text = "text,stars\nfine,5\ncall 415-555-0133, or write to anna@example.org,5\n"
    (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=f"{name}: cannot be read: .*") as refused:
        read_set(a_set(path=name), tmp_path)
    assert "415" not in str(refused.value)
    assert "@" not in str(refused.value)


def test_what_a_set_says_of_its_split_is_kept_and_other_rows_are_not_read(tmp_path: Path) -> None:
    sides = pa.array(["train", "dev", "test", None, "train"])
    pq.write_table(make_reviews(5).append_column("side", sides), tmp_path / "reviews.parquet")
    read = read_set(a_set(split={"column": "side"}), tmp_path)
    assert read["held_out"].to_pylist() == [False, True, False]
    assert read_set(a_set(), tmp_path)["held_out"].null_count == 5


def test_a_set_with_labels_of_its_own_is_not_joined_by_stars() -> None:
    with pytest.raises(ValueError, match="join_words joins reviews of equal stars"):
        a_set(join_words=60, labels={"mood": {"column": "mood"}})


def test_stars_label_polarity_and_intensity_and_a_column_labels_what_it_says() -> None:
    one = a_set(labels={"mood": {"column": "mood"}})
    assert [one.labels_head(head) for head in ("polarity", "intensity", "mood", "other")] == [True] * 3 + [
        False
    ]
    assert not a_set(columns={}).labels_head("polarity")
