import pyarrow as pa
import pytest

from reviewmine.contract.label_columns import HeadLabels
from reviewmine.errors import TrainingError
from reviewmine.examples.census import census_lines, class_shares, label_counts, require_labels

HEADS = {
    "mood": HeadLabels(kind="one", labels=("glad", "sad")),
    "topics": HeadLabels(kind="several", labels=("price", "sound")),
    "force": HeadLabels(kind="number"),
}


def table(moods: list[str | None], topics: list[list[str] | None]) -> pa.Table:
    columns = {
        "set": ["shop"] * len(moods),
        "mood": pa.array(moods, pa.string()),
        "topics": pa.array(topics, pa.list_(pa.string())),
        "force": pa.array([0.5] * len(moods), pa.float32()),
    }
    return pa.table(columns)


TRAINING = table(["glad", "glad", "sad", None], [["price", "sound"], [], ["price"], None])
SIDES = {"training": TRAINING, "validation": table(["sad"], [["sound"]])}


def test_labels_are_counted_by_head_set_and_side_and_conflicts_are_told() -> None:
    lines = census_lines(
        SIDES,
        HEADS,
        num_copies=7,
        num_conflicts={"mood": 2, "topics": 0, "force": 0},
        natural_shares={"mood": (0.5, 0.5)},
    )
    told = [" ".join(line.split()) for line in lines]
    assert told[0] == "head set side rows labels"
    assert "mood shop training 3 glad 2 (67%), sad 1 (33%)" in told
    assert "mood shop validation 1 glad 0 (0%), sad 1 (100%)" in told
    assert "topics shop training 3 price 2 (67%), sound 1 (33%), none 1" in told
    assert any(line.startswith("force shop training 4 mean 0.50") for line in told)
    assert "copies of texts that were there before: 7, read once" in told
    assert "texts whose copies disagree on mood: 2, left out with all their copies" in told
    assert not [line for line in told if "disagree on topics" in line or "natural" in line]


def test_a_head_or_a_label_that_no_row_has_is_named() -> None:
    require_labels(SIDES, HEADS)
    with pytest.raises(TrainingError, match=r"heads\.mood: none of the 1 examples on the validation side"):
        require_labels({"training": TRAINING, "validation": table([None], [["price"]])}, HEADS)
    with pytest.raises(
        TrainingError, match="head 'mood': 2 glad, 0 sad; expected some rows of every label, sad"
    ):
        require_labels({"training": table(["glad"] * 2, [["price"], ["sound"]])}, HEADS)
    with pytest.raises(TrainingError, match="the validation side of the split is empty"):
        require_labels({"training": TRAINING, "validation": TRAINING.slice(0, 0)}, HEADS)


def test_shares_are_those_of_rows_with_a_label() -> None:
    assert class_shares(TRAINING, "mood", HEADS["mood"]) == pytest.approx((2 / 3, 1 / 3))
    assert label_counts(TRAINING, "topics", HEADS["topics"]) == {"price": 2, "sound": 1}
    with pytest.raises(TrainingError, match="0 glad, 1 sad"):
        class_shares(SIDES["validation"], "mood", HEADS["mood"])
