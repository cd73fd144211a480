"""Ray Train around the one loop: a checkpoint comes out that annotates, whatever the number of workers."""

import json
from pathlib import Path

import pytest
from ray.train import ControllerError, WorkerGroupError
from tiny import make_backbone, write_reviews

from reviewmine.contract.examples import ExampleColumns
from reviewmine.distributed.training import num_workers_of, run_id_of, told_failure, train
from reviewmine.errors import CheckpointError, TrainingError, UsageError
from reviewmine.examples.labelled import ExamplesSettings
from reviewmine.examples.sets import ExampleSet
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.spec import BackboneSpec, Spec, Training, write_spec
from reviewmine.train.run_file import BackboneChoice, TrainingRun
from reviewmine.train.settings import LoopSettings


@pytest.fixture
def run(tmp_path: Path) -> TrainingRun:
    columns = ExampleColumns(body="text", title="title", rating="stars", language="lang")
    one_set = ExampleSet(name="made", path="reviews.parquet", licence="CC0", columns=columns, natural=True)
    return TrainingRun(
        name="tiny",
        max_tokens=48,
        backbone=BackboneChoice(name=str(make_backbone(tmp_path / "backbone"))),
        examples=ExamplesSettings(sets=(one_set,), validation_share=0.2),
        loop=LoopSettings(epochs=2, budget_tokens=512, report_steps=10),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("ray_up")
@pytest.mark.parametrize(("num_workers", "parallel"), [(1, "ddp"), ((1, 2), "ddp"), (2, "fsdp")])
def test_a_run_file_becomes_a_checkpoint_that_loads(run, num_workers, parallel, tmp_path):
    run = run.model_copy(update={"loop": run.loop.model_copy(update={"parallel": parallel})})
    digest = train(
        run,
        examples_root=write_reviews(tmp_path / "sets", rows=200),
        checkpoint=tmp_path / "checkpoint",
        storage=tmp_path / "runs",
        num_workers=num_workers,
    )
    loaded = load_checkpoint(tmp_path / "checkpoint", expected_digest=digest)
    assert loaded.spec.name == "tiny"
    assert [one.name for one in loaded.spec.training.sets] == ["made"]
    directory = tmp_path / "runs" / run_id_of(run)
    assert json.loads((directory / "run.json").read_text())["name"] == "tiny"
    (log,) = (directory / "log").iterdir()
    last = log.read_text().splitlines()[-1]
    assert "polarity_macro_f1" in last
    assert "peak_share" in last
    assert list((directory / "tensorboard").iterdir())
    assert len(list(directory.glob("checkpoint_*/optimizer.pt"))) <= 2


@pytest.mark.slow
@pytest.mark.usefixtures("ray_up")
def test_a_run_whose_examples_are_not_there_says_so_and_is_not_tried_again(run, tmp_path):
    with pytest.raises(TrainingError, match=r"reviews\.parquet is not there"):
        train(run, examples_root=tmp_path, checkpoint=tmp_path / "c", storage=tmp_path / "runs")


def test_a_run_id_of_other_settings_is_refused_before_anything_starts(run, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "run.json").write_text(
        json.dumps({**run.model_dump(mode="json"), "seed": 8})
    )
    with pytest.raises(UsageError, match=r"other settings under seed; give another --run-id"):
        train(
            run, examples_root=tmp_path, checkpoint=tmp_path / "c", storage=tmp_path / "runs", run_id="mine"
        )


def test_a_failure_is_told_by_the_worker_that_knows_why_and_without_its_traceback():
    lost, reason = RuntimeError("Connection closed by peer"), TrainingError("examples: none")
    failed = WorkerGroupError("[Rank 0 Error Snippet]:\nTraceback ...", {1: reason, 0: lost})
    assert told_failure(failed) == "examples: none"
    assert told_failure(WorkerGroupError("Traceback ...", {1: KeyError("x"), 0: lost})) == (
        "RuntimeError: Connection closed by peer"
    )
    assert "no room" in told_failure(ControllerError(OSError("no room")))


def test_a_place_for_the_checkpoint_that_is_taken_is_refused_before_anything_starts(run, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("")
    (tmp_path / "file").write_text("")
    for name, reason in (("notes", "not empty"), ("file", "a file; expected a directory")):
        with pytest.raises(CheckpointError, match=f"{name}: {reason}"):
            train(run, examples_root=tmp_path, checkpoint=tmp_path / name, storage=tmp_path / "runs")
    assert not (tmp_path / "runs" / run_id_of(run) / "run.json").exists()


def test_the_checkpoint_of_an_earlier_run_of_the_same_settings_is_in_the_way_of_a_new_one(run, tmp_path):
    backbone = BackboneSpec(name="tiny", inside=True)
    spec = Spec(name="tiny", backbone=backbone, max_tokens=48, clean_version=1, languages=("en",))
    made = spec.model_copy(update={"training": Training(run=run.model_dump(mode="json"))})
    (tmp_path / "c").mkdir()
    write_spec(made, tmp_path / "c")
    with pytest.raises(CheckpointError, match="not empty"):
        train(run, examples_root=tmp_path, checkpoint=tmp_path / "c", storage=tmp_path / "runs")


def test_a_changed_run_file_is_another_run(run):
    assert run_id_of(run) == run_id_of(run.model_copy())
    assert run_id_of(run) != run_id_of(run.model_copy(update={"seed": 8}))


@pytest.mark.parametrize(("text", "expected"), [("4", 4), ("2..8", (2, 8)), ("3..3", 3)])
def test_workers_are_a_number_or_a_range(text, expected):
    assert num_workers_of(text) == expected


@pytest.mark.parametrize("text", ["0", "8..2", "many", "2-8", ""])
def test_workers_that_are_neither_are_refused(text):
    with pytest.raises(UsageError, match=r"--num-workers"):
        num_workers_of(text)
