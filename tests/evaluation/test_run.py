"""An evaluation from files, of heads of every kind, by columns of labels that are named."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import THINGS, make_reviews
from tiny_checkpoint import make_checkpoint

from reviewmine.contract.examples import ExampleColumns
from reviewmine.contract.label_columns import LabelColumn
from reviewmine.errors import ContractError, UsageError
from reviewmine.evaluation.report import write_report
from reviewmine.evaluation.run import EvaluationRun, run_evaluation
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassificationSpec,
    HeadSpec,
    LabelCalibration,
    MultilabelSpec,
    OrdinalSpec,
    TokensSpec,
)

HEADS: dict[str, HeadSpec] = {
    **OPINION_HEADS,
    "mood": ClassificationSpec(labels=("glad", "sad")),
    "topics": MultilabelSpec(
        labels=("battery", "screen"), calibration=LabelCalibration(temperatures=(0.25, 0.25))
    ),
    "force": OrdinalSpec(),
    "things": TokensSpec(labels=("thing",)),
}
LABELS = {
    "mood": LabelColumn(column="feeling", values={":)": "glad", ":(": "sad"}),
    "topics": LabelColumn(column="topics", separator=","),
    "force": LabelColumn(column="stars", low=3, high=5, signed=True),
    "things": LabelColumn(column="things"),
}
BARE = ExampleColumns(body="text")


def labelled(row: dict[str, Any]) -> dict[str, Any]:
    text = row["text"].lower()
    found = [(text.index(thing), thing) for thing in THINGS if thing in text]
    return {
        "text": row["text"],
        "stars": row["stars"],
        "feeling": ":)" if row["stars"] > 3 else ":(",
        "topics": ",".join(thing for _, thing in found if thing in ("battery", "screen")),
        "things": [{"start": at, "end": at + len(thing), "label": "thing"} for at, thing in sorted(found)],
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of heads of every kind, and 60 labelled reviews."""
    root = tmp_path_factory.mktemp("place")
    make_checkpoint(root, heads=HEADS)
    rows = [labelled(row) for row in make_reviews(60).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), root / "labelled.parquet")
    return root


def evaluating(place: Path, **values: Any) -> EvaluationRun:
    return EvaluationRun(
        **{
            "checkpoint": place / "checkpoint",
            "examples": place / "labelled.parquet",
            "columns": BARE,
            "robustness_rows": 5,
            **values,
        }
    )


def test_every_kind_of_head_is_judged_by_its_labels_and_has_a_section_of_the_page(
    place: Path, tmp_path: Path
) -> None:
    found = run_evaluation(evaluating(place, labels=LABELS))
    metrics = found.metrics
    assert {name: metrics[name]["rows"] for name in ("mood", "topics", "force")} == dict.fromkeys(
        ("mood", "topics", "force"), 60
    )
    assert metrics["things"]["rows"] > 60
    assert set(metrics["topics"]["labels"]) == {"battery", "screen"}
    assert metrics["topics_before_calibration"]["brier"] != metrics["topics"]["brier"]
    assert "polarity" not in metrics
    assert "mood" in metrics["robustness"]["typos"]
    write_report(found, tmp_path / "out", examples="labelled.parquet")
    page = (tmp_path / "out" / "evaluation.html").read_text()
    for heading in ("Mood, class by class", "Topics, label by label", "Force", "Things, token by token"):
        assert f"<h2>{heading}</h2>" in page
    assert ">B-thing<" in page


def test_stars_and_named_columns_give_labels_side_by_side(place: Path) -> None:
    stars = ExampleColumns(body="text", rating="stars")
    metrics = run_evaluation(evaluating(place, columns=stars, labels={"mood": LABELS["mood"]})).metrics
    assert metrics["polarity"]["rows"] == metrics["intensity"]["rows"] == metrics["mood"]["rows"] == 60
    assert "topics" not in metrics


def test_heads_of_several_answers_are_sliced_and_compared_by_macro_f1(place: Path, tmp_path: Path) -> None:
    few = {name: LABELS[name] for name in ("topics", "things")}
    found = run_evaluation(evaluating(place, labels=few, against=place / "checkpoint"))
    assert "robustness" not in found.metrics
    for name in few:
        compared = found.metrics["against"][name]
        assert compared["rows"] == 60
        assert compared["macro_f1"]["found"] == pytest.approx(found.metrics[name]["macro_f1"])
        assert compared["macro_f1"]["difference"] == 0
        (every,) = (one for one in found.metrics["slices"]["language"].values() if one["rows"] == 60)
        assert every[name]["macro_f1"] == pytest.approx(found.metrics[name]["macro_f1"])
    write_report(found, tmp_path / "out", examples="labelled.parquet")
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "topics: macro-F1" in page
    assert "Things macro-F1" in page


def test_labels_of_a_head_that_is_not_there_and_labels_of_none_are_wrong_usage(place: Path) -> None:
    with pytest.raises(UsageError, match=r"labels of mod: tiny has no such head; did you mean 'mood'"):
        run_evaluation(evaluating(place, labels={"mod": LABELS["mood"]}))
    with pytest.raises(UsageError, match=r"nothing says which column holds labels.*give --label HEAD=COLUMN"):
        run_evaluation(evaluating(place))


def test_a_column_that_is_not_there_is_told_by_its_name(place: Path) -> None:
    with pytest.raises(ContractError, match="no column 'mood'"):
        run_evaluation(evaluating(place, labels={"mood": LabelColumn(column="mood")}))
