from collections.abc import Mapping

import pyarrow as pa

from reviewmine.contract.examples import HELD_OUT_FIELD, SET_FIELD, examples_schema
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.duplicates import without_duplicates

HEADS = {
    "mood": HeadLabels(kind="one", labels=("glad", "sad")),
    "topics": HeadLabels(kind="several", labels=("price", "sound")),
    "force": HeadLabels(kind="number"),
    "terms": HeadLabels(kind="spans", labels=("term",)),
}
LAMP = {"start": 5, "end": 9, "label": "term"}


def examples(*rows: Mapping[str, object]) -> pa.Table:
    schema = pa.schema([*examples_schema(HEADS), SET_FIELD, HELD_OUT_FIELD])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


def test_of_copies_the_first_is_kept_and_of_copies_that_disagree_none() -> None:
    found = without_duplicates(
        examples(
            {"body": "Good lamp", "mood": "glad"},
            {"body": "good lamp!", "mood": "glad"},
            {"body": "So so", "mood": "sad"},
            {"body": "so so.", "mood": "glad"},
            {"body": "Cheap", "topics": ["price"]},
            {"body": "cheap", "topics": ["sound"]},
            {"body": "!!"},
        ),
        HEADS,
    )
    assert found.examples["body"].to_pylist() == ["Good lamp"]
    assert found.num_copies == 3
    assert found.num_conflicts == {"mood": 1, "topics": 1, "force": 0, "terms": 0}


def test_copies_lend_each_other_the_labels_that_they_lack() -> None:
    found = without_duplicates(
        examples(
            {"body": "Good lamp", "set": "a", "mood": "glad", "force": 0.5},
            {"body": "good lamp", "set": "b", "topics": ["sound", "price"], "force": 1.0},
            {"body": "good lamp.", "set": "c", "topics": ["price", "sound"]},
        ),
        HEADS,
    )
    (row,) = found.examples.to_pylist()
    assert (row["set"], row["mood"], row["topics"], row["force"]) == ("a", "glad", ["sound", "price"], 0.5)


def test_spans_are_lent_between_bodies_that_are_the_same_to_the_letter_alone() -> None:
    table = examples(
        {"body": "Good lamp"}, {"body": "GOOD lamp", "terms": []}, {"body": "Good lamp", "terms": [LAMP]}
    )
    assert without_duplicates(table, HEADS).examples["terms"].to_pylist() == [[LAMP]]
    table = examples({"body": "Good lamp"}, {"body": "Good  lamp", "terms": [LAMP]})
    assert without_duplicates(table, HEADS).examples["terms"].to_pylist() == [None]


def test_a_text_that_one_copy_puts_into_validation_is_in_validation() -> None:
    found = without_duplicates(
        examples(
            {"body": "a lamp"},
            {"body": "a lamp", "held_out": True},
            {"body": "a case", "held_out": False},
            {"body": "a zip"},
        ),
        HEADS,
    )
    assert found.examples["held_out"].to_pylist() == [True, False, None]
