import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import THINGS, make_backbone, make_reviews, make_run, write_reviews

from reviewmine.errors import CheckpointError, TrainingError
from reviewmine.evaluation.report import report
from reviewmine.examples.sets import ExampleSet, read_set
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.train.card import record
from reviewmine.train.reporter import AloneReporter
from reviewmine.train.run import finish, train_worker
from reviewmine.train.run_file import TrainingRun


def test_a_run_ends_in_a_checkpoint_that_reads_reviews_it_never_saw(tmp_path: Path) -> None:
    run, root = make_run(make_backbone(tmp_path / "backbone")), write_reviews(tmp_path / "sets", 300)
    reporter = AloneReporter(lambda line: None)
    train_worker(run, root, reporter, scratch=tmp_path / "scratch")
    assert reporter.checkpoint is not None
    digest = finish(run, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint")
    checkpoint = load_checkpoint(tmp_path / "checkpoint", expected_digest=digest)
    unseen = read_set(run.examples.sets[0], write_reviews(tmp_path / "unseen", 100, seed=9))
    metrics = report(checkpoint, unseen, robustness_rows=0).of_the_checkpoint
    assert metrics["polarity"]["macro_f1"] > 0.8
    assert metrics["intensity"]["spearman"] > 0.6
    told = json.loads((tmp_path / "checkpoint" / "metrics.json").read_text())
    assert told["checkpoint"] == digest
    assert told["validation"]["polarity"]["rows"] > 20
    record(tmp_path / "checkpoint", "unseen", metrics)
    card = (tmp_path / "checkpoint" / "MODEL_CARD.md").read_text()
    assert digest in card
    assert "| own | CC0 |" in card
    assert f"| unseen | {unseen.num_rows} |" in card
    assert str(tmp_path) not in (tmp_path / "checkpoint" / "tokenizer_config.json").read_text()
    written = (tmp_path / "checkpoint" / "spec.json").stat().st_ino
    assert finish(run, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint") == digest
    assert (tmp_path / "checkpoint" / "spec.json").stat().st_ino == written
    other = run.model_copy(update={"name": "another"})
    with pytest.raises(CheckpointError, match="not empty"):
        finish(other, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint")
    (weights,) = reporter.checkpoint.glob("trained.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4] + bytes(4))  # as of the same run on rows that changed
    with pytest.raises(CheckpointError, match="not empty"):
        finish(run, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint")


def write_labelled(root: Path, rows: int) -> Path:
    """Reviews labelled by what is in their words: a mood, topics, the places of things, and a strength."""
    examples = []
    for row in make_reviews(rows, seed=3).to_pylist():
        text, stars = row["text"].lower(), row["stars"]
        found = [(text.index(thing), thing) for thing in THINGS if thing in text]
        spans = [{"start": at, "end": at + len(thing), "label": "thing"} for at, thing in sorted(found)]
        topics = [thing for _, thing in found if thing in ("battery", "screen", "lamp")]
        mood = "glad" if stars > 3 else "sad"
        examples.append(
            {"body": row["text"], "mood": mood, "topics": topics, "things": spans, "force": abs(stars - 3)}
        )
    pq.write_table(pa.Table.from_pylist(examples), root / "labelled.parquet")
    return root


LABELS = {name: {"column": name} for name in ("mood", "topics", "things")} | {
    "force": {"column": "force", "high": 2}
}
HEADS: dict[str, dict[str, Any]] = {
    "mood": {"kind": "classification", "labels": ["glad", "sad"], "class_weight_cap": 3.0},
    "topics": {"kind": "multilabel", "labels": ["battery", "screen", "lamp"]},
    "force": {"kind": "ordinal", "dropout": 0.1},
    "things": {"kind": "tokens", "labels": ["thing"]},
}


def labelled_set(*heads: str) -> dict[str, Any]:
    labels = {name: LABELS[name] for name in heads}
    return {"name": "labelled", "path": "labelled.parquet", "licence": "own", "labels": labels}


def trained(run: dict[str, Any], root: Path, scratch: Path) -> dict[str, Any]:
    """The metrics that a run ends with; its checkpoint is `scratch`/checkpoint."""
    settings, reporter = TrainingRun.model_validate(run), AloneReporter(lambda line: None)
    train_worker(settings, root, reporter, scratch=scratch / "reports")
    assert reporter.checkpoint is not None
    finish(settings, root, trained=reporter.checkpoint, directory=scratch / "checkpoint")
    told: dict[str, Any] = json.loads((scratch / "checkpoint" / "metrics.json").read_text())
    return told


@pytest.mark.parametrize(
    ("name", "figure", "least"),
    [
        ("mood", "macro_f1", 0.85),
        ("topics", "macro_f1", 0.6),
        ("force", "spearman", 0.6),
        ("things", "accuracy", 0.9),
    ],
)
def test_a_head_of_each_kind_learns_what_words_say(
    name: str, figure: str, least: float, tmp_path: Path
) -> None:
    run = make_run(make_backbone(tmp_path / "backbone")).model_dump(mode="json")
    run["examples"]["sets"] = [labelled_set(name)]
    run["heads"] = {name: HEADS[name]}
    run["loop"] |= {"epochs": 8, "learning_rate": 5e-3}
    (tmp_path / "sets").mkdir()
    told = trained(run, write_labelled(tmp_path / "sets", 300), tmp_path)
    assert told["validation"][name][figure] > least


def test_heads_of_every_kind_stand_on_one_encoder_and_sets_may_lack_labels_of_some(tmp_path: Path) -> None:
    run = make_run(make_backbone(tmp_path / "backbone")).model_dump(mode="json")
    run["examples"]["sets"].append(labelled_set(*HEADS))
    run["heads"] |= HEADS | {"force": {"kind": "ordinal", "pooling": "cls", "weight": 0.5}}
    run["loop"]["epochs"] = 1
    told = trained(run, write_labelled(write_reviews(tmp_path / "sets", 100), 100), tmp_path)
    found = told["validation"]
    assert found["polarity"]["rows"] + found["mood"]["rows"] == found["rows"]
    assert found["mood"]["rows"] > 10  # its set says no language, the natural one does
    assert (
        set(told["validation_before_calibration"]) == set(found) == {"rows", "polarity", "intensity", *HEADS}
    )
    assert "| validation | things |" in (tmp_path / "checkpoint" / "MODEL_CARD.md").read_text()
    loaded = load_checkpoint(tmp_path / "checkpoint")
    takes = {name: head.takes for name, head in loaded.spec.heads.items()}
    one = ExampleSet.model_validate(labelled_set(*HEADS))
    unseen = read_set(one, write_labelled(tmp_path, 60), takes)
    assert report(loaded, unseen, robustness_rows=0).metrics["topics"]["rows"] == 60


def test_what_the_examples_hold_is_told_before_training_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(make_backbone(tmp_path / "backbone"))
    said: list[str] = []
    reporter = AloneReporter(lambda line: said.append(capsys.readouterr().out))
    train_worker(run, write_reviews(tmp_path / "sets", 100), reporter, scratch=tmp_path / "scratch")
    assert "polarity   own  training" in said[0]
    assert not any("training" in later for later in said[1:])


def test_a_best_metric_of_languages_that_no_row_is_in_stops_the_run_before_training(tmp_path: Path) -> None:
    run = make_run(make_backbone(tmp_path / "backbone"))
    loop = run.loop.model_copy(update={"best_metric": "elsewhere_polarity_macro_f1"})
    run, root = run.model_copy(update={"loop": loop}), write_reviews(tmp_path / "sets", 100)
    with pytest.raises(TrainingError, match=r"no validation row is in another .*; take polarity_macro_f1"):
        train_worker(run, root, AloneReporter(print), scratch=tmp_path / "scratch")
