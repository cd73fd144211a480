import json
from pathlib import Path

import pyarrow as pa
import pytest
from tiny import make_reviews
from tiny_checkpoint import make_checkpoint

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import ConfigError, TrainingError, UsageError
from reviewmine.evaluation.gate import Gate
from reviewmine.evaluation.perturb import PERTURBATIONS
from reviewmine.evaluation.report import Report, refuse_file, report, write_report
from reviewmine.model.checkpoint import Checkpoint, load_checkpoint

COLUMNS = ExampleColumns(body="text", title="title", rating="stars")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(make_checkpoint(tmp_path_factory.mktemp("tiny")))


def examples(rows: int = 60) -> pa.Table:
    made = make_reviews(rows).append_column("shop", pa.array(["a", "b", None] * (rows // 3)))
    return conform(made, COLUMNS, where="here", keep=("shop",))


@pytest.fixture(scope="module")
def found(checkpoint: Checkpoint) -> Report:
    gate = Gate(minimum={"polarity.accuracy": 0.0}, max_loss={"polarity.accuracy": 0.0})
    return report(
        checkpoint, examples(), against=checkpoint, gate=gate, slice_by=["shop"], robustness_rows=20
    )


def test_a_report_has_figures_slices_robustness_comparison_and_gate(found: Report) -> None:
    metrics = found.metrics
    assert metrics["rows"] == metrics["polarity"]["rows"] == 60
    assert set(metrics["slices"]["shop"]) == {"a", "b", "(none)"}
    assert set(metrics["robustness"]) == {"rows", *PERTURBATIONS}
    assert metrics["robustness"]["emoji_added"]["rows"] == metrics["robustness"]["rows"] == 20
    assert (
        metrics["robustness"]["case"]["polarity"]["flip_rate"] == 0
    )  # the tiny tokenizer lowers every letter
    assert metrics["against"]["polarity"]["changed"] == 0
    assert metrics["gate"]["passed"]
    assert [check.found for check in found.checks] == [metrics["polarity"]["accuracy"], 0.0]


def test_the_same_examples_give_the_same_report(checkpoint: Checkpoint) -> None:
    once, again = (
        report(checkpoint, examples(), max_rows=30, robustness_rows=10, seed=1).metrics for _ in range(2)
    )
    assert once == again
    assert once["rows"] == 30
    assert "robustness" not in report(checkpoint, examples(), max_rows=9, robustness_rows=0).metrics


def test_a_report_is_written_as_metrics_and_one_page(found: Report, tmp_path: Path) -> None:
    write_report(found, tmp_path / "out", examples="here.parquet")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evaluation.html", "metrics.json"]
    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert written == json.loads(json.dumps(found.metrics))
    assert "here.parquet" in (tmp_path / "out" / "evaluation.html").read_text()


def test_what_is_recorded_does_not_depend_on_another_checkpoint(found: Report) -> None:
    assert not {"against", "gate"} & set(found.of_the_checkpoint)
    assert "polarity" in found.of_the_checkpoint
    assert "slices" not in found.of_the_checkpoint


def test_a_gate_that_names_what_is_not_there_is_an_error(checkpoint: Checkpoint) -> None:
    with pytest.raises(ConfigError, match=r"found no 'robustness\.typos\.polarity\.accuracy'"):
        report(
            checkpoint,
            examples(9),
            gate=Gate(minimum={"robustness.typos.polarity.accuracy": 0.5}),
            robustness_rows=0,
        )


def test_examples_without_any_text_are_refused(checkpoint: Checkpoint) -> None:
    blank = conform(make_reviews(3).set_column(1, "text", [[" ", "<br>", ""]]), COLUMNS, where="here")
    with pytest.raises(TrainingError, match="any text left"):
        report(checkpoint, blank)


@pytest.mark.parametrize("name", ["metrics.json", "page.html", "a_file"])
def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_file").touch()
    with pytest.raises(UsageError, match=r"expected a folder, which gets metrics\.json"):
        refuse_file(tmp_path / name)
