from datetime import UTC, datetime

import pyarrow as pa
import pytest

from reviewmine.contract.annotations import annotations_schema
from reviewmine.contract.invariants import validate
from reviewmine.errors import ContractError

SCHEMA = annotations_schema()
ROW: dict[str, object] = {
    "review_id": "r1",
    "product_id": None,
    "reviewed_at": None,
    "source_file": "a.parquet",
    "source_row": 0,
    "language": "en",
    "polarity": "positive",
    "polarity_negative": 0.125,
    "polarity_neutral": 0.25,
    "polarity_positive": 0.625,
    "intensity": 0.5,
    "intensity_level": "strong",
    "summary": "Warm and loud.",
    "summary_method": "extractive",
    "summary_spans": [{"start": 0, "end": 4}, {"start": 4, "end": 14}],
    "status": "ok",
    "input_hash": "00ff",
    "model_version": "m1",
    "run_id": "run",
    "annotated_at": datetime(2026, 1, 2, tzinfo=UTC),
}
UNANNOTATED: dict[str, object] = ROW | {
    "polarity": None,
    "polarity_negative": None,
    "polarity_neutral": None,
    "polarity_positive": None,
    "intensity": None,
    "intensity_level": None,
    "summary": None,
    "summary_method": "none",
    "summary_spans": [],
    "status": "empty",
}


def rows(*changes: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(changes), schema=SCHEMA)


def test_sound_rows_pass() -> None:
    validate(
        rows(
            ROW,
            ROW | {"status": "repaired", "review_id": None},
            ROW | {"status": "truncated", "summary_method": "seq2seq", "summary_spans": []},
            UNANNOTATED,
            UNANNOTATED | {"status": "unsupported_language", "language": "und"},
            UNANNOTATED | {"status": "failed"},
        ),
        where="part",
    )


def test_a_part_without_rows_passes() -> None:
    validate(SCHEMA.empty_table(), where="part")


def test_the_message_names_the_part_the_rule_the_count_and_the_first_row() -> None:
    table = rows(ROW, ROW | {"intensity": 1.5, "source_row": 17}, ROW | {"intensity": 2.0})
    with pytest.raises(ContractError) as broken:
        validate(table, where="part-7")
    assert str(broken.value) == (
        "part-7: 2 of 3 rows break the contract: intensity lies outside 0 to 1; "
        "the first is row 1, from a.parquet row 17"
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"status": "great"}, "status is none of"),
        ({"polarity": "mixed"}, "polarity is none of"),
        ({"intensity_level": "mild"}, "intensity_level is none of"),
        ({"summary_method": "guess"}, "summary_method is none of"),
        ({"status": None}, "status is null"),
        ({"summary_spans": None}, "summary_spans is null"),
        ({"source_file": None}, "source_file is null"),
        ({"source_row": -1}, "source_row is negative"),
        ({"run_id": None}, "run_id is null"),
        ({"language": "EN-us"}, "language is not an ISO 639-1 code"),
        ({"polarity": None}, "polarity is null where"),
        ({"polarity_neutral": None}, "polarity_neutral is null where"),
        ({"intensity_level": None}, "intensity_level is null where"),
        ({"summary": None}, "summary is null where"),
        ({"summary_method": "none"}, "summary_method is not 'none' exactly"),
        ({"polarity_neutral": 0.5}, "do not sum to 1"),
        ({"polarity_neutral": 0.2502}, "do not sum to 1"),
        ({"polarity_neutral": -0.125, "polarity_positive": 1.0}, "outside 0 to 1"),
        ({"polarity_positive": float("nan")}, "do not sum to 1"),
        ({"polarity": "neutral"}, "not the most probable"),
        ({"intensity": float("nan")}, "intensity lies outside"),
        ({"summary": " "}, "summary is blank"),
        ({"summary_spans": []}, "without saying where"),
        ({"summary_spans": [{"start": 3, "end": 3}]}, "spans are empty"),
        ({"summary_spans": [{"start": -1, "end": 3}]}, "spans are empty, negative"),
        ({"summary_spans": [{"start": 4, "end": 9}, {"start": 0, "end": 4}]}, "out of order"),
    ],
)
def test_an_annotated_row_that_breaks_a_rule_is_named(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ContractError, match=rule):
        validate(rows(ROW, ROW | change), where="part")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"polarity": "neutral"}, "polarity is filled where"),
        ({"intensity": 0.5}, "intensity is filled where"),
        ({"summary": "x"}, "summary is filled where"),
        ({"summary_method": "verbatim"}, "summary_method is not 'none' exactly"),
        ({"summary_spans": [{"start": 0, "end": 1}]}, "without annotation has spans"),
    ],
)
def test_an_unannotated_row_that_breaks_a_rule_is_named(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ContractError, match=rule):
        validate(rows(UNANNOTATED | change), where="part")


def test_spans_of_one_row_may_lie_before_those_of_the_row_above() -> None:
    validate(rows(ROW | {"summary_spans": [{"start": 50, "end": 90}]}, ROW), where="part")


def test_two_polarities_may_be_equally_probable() -> None:
    even = {"polarity_negative": 0.5, "polarity_neutral": 0.0, "polarity_positive": 0.5}
    validate(rows(ROW | even, ROW | even | {"polarity": "negative"}), where="part")


def test_rows_in_several_chunks_are_checked_as_one_table() -> None:
    with pytest.raises(ContractError, match="the first is row 1"):
        validate(pa.concat_tables([rows(ROW), rows(ROW | {"intensity": 7.0})]), where="part")
