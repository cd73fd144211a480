import pyarrow as pa
import pytest

from reviewmine.contract.label_columns import HeadLabels, LabelColumn, labels_of
from reviewmine.errors import ContractError

MOOD = HeadLabels(kind="one", labels=("glad", "sad"))
INTENTS = HeadLabels(kind="several", labels=("bug", "wish"))
FORCE = HeadLabels(kind="number")
TERMS = HeadLabels(kind="spans", labels=("term",))
BODIES = pa.array(["The lamp is dim.", "No lamp.", "Fine."])


def labels(said: list[object], takes: HeadLabels, **told: object) -> list[object]:
    column = LabelColumn.model_validate({"column": "said"} | told)
    found = labels_of(pa.table({"said": said}), column, takes, BODIES[: len(said)], where="a.csv")
    assert found.type == takes.type
    return found.to_pylist()


def test_the_words_of_a_set_become_ours_or_no_label() -> None:
    values = {"1": "glad", "0": "sad", "2": "unlabelled"}
    assert labels([1, 2, 0], MOOD, values=values) == ["glad", None, "sad"]
    assert labels(["glad", None, "sad"], MOOD) == ["glad", None, "sad"]
    assert labels([True, False], MOOD, values={"true": "glad", "false": "sad"}) == ["glad", "sad"]


def test_several_labels_are_a_list_or_a_string_taken_apart() -> None:
    assert labels([["bug", "wish"], [], None], INTENTS) == [["bug", "wish"], [], None]
    assert labels(["bug | wish", "", None], INTENTS, separator="|") == [["bug", "wish"], [], None]
    values = {"b": "bug", "other": "unlabelled"}
    assert labels(["b,other", "other", "b"], INTENTS, separator=",", values=values) == [["bug"], [], ["bug"]]


def test_numbers_of_a_range_become_shares_of_it() -> None:
    assert labels([1, 3, None], FORCE, low=1, high=5) == [0.0, 0.5, None]


def test_strengths_of_either_sign_count_by_how_far_they_are_from_nothing() -> None:
    assert labels([-3, 6, 1.5], FORCE, high=3, signed=True) == [1.0, 1.0, 0.5]


def test_spans_are_places_in_the_body_with_a_label() -> None:
    spans = [[{"start": 4, "end": 8, "polarity": "neg"}], [], None]
    found = labels(spans, TERMS, field="polarity", values={"neg": "term"})
    assert found == [[{"start": 4, "end": 8, "label": "term"}], [], None]


@pytest.mark.parametrize(
    ("values", "takes", "told", "message"),
    [
        (
            ["glad", "angry"],
            MOOD,
            {},
            "row 1: column 'said' holds 'angry', expected one of glad, sad; add it",
        ),
        (
            [["bug"], ["bug", "rant"]],
            INTENTS,
            {},
            "row 1: column 'said' holds 'rant', expected one of bug, wish",
        ),
        (["bug"], INTENTS, {}, "column 'said' is string, expected lists; name the `separator`"),
        (
            ["glad"],
            MOOD,
            {"values": {"glad": "happy"}},
            "name 'happy', expected one of glad, sad, or 'unlabelled'",
        ),
        ([0.5, 7], FORCE, {}, "row 1: column 'said' holds 7, expected 0 to 1; set `low` and `high`"),
        (["much"], FORCE, {}, "column 'said' is string, expected numbers; row 0 cannot"),
        (
            [[], [{"start": 0, "end": 9, "label": "term"}]],
            TERMS,
            {},
            "row 1: .*0 to 9, expected one inside a body",
        ),
        (
            [[{"from": 0, "end": 9}]],
            TERMS,
            {},
            "row 0: .* holds from, end, expected structs with start, end and label",
        ),
        (
            [[{"start": 0, "end": 3, "label": "brand"}]],
            TERMS,
            {},
            "row 0: .* holds 'brand', expected one of term",
        ),
    ],
)
def test_an_unknown_label_is_told_by_file_row_found_and_expected(
    values: list[object], takes: HeadLabels, told: dict[str, object], message: str
) -> None:
    with pytest.raises(ContractError, match=f"a.csv: .*{message}"):
        labels(values, takes, **told)


def test_a_range_has_a_low_end_below_its_high_one() -> None:
    with pytest.raises(ValueError, match="low below high"):
        LabelColumn(column="said", low=1, high=1)
