"""Ray Train around the one loop: a checkpoint comes out that annotates, whatever the number of workers."""

from pathlib import Path

import pytest
from tiny import make_backbone, write_reviews

from reviewmine.contract.examples import ExampleColumns
from reviewmine.distributed.training import train
from reviewmine.errors import TrainingError
from reviewmine.examples.labelled import ExamplesSettings
from reviewmine.examples.sets import ExampleSet
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.train.loop import LoopSettings
from reviewmine.train.run import BackboneChoice, TrainingRun

pytestmark = pytest.mark.usefixtures("ray_up")


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
@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_run_file_becomes_a_checkpoint_that_loads(run, num_workers, tmp_path):
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


@pytest.mark.slow
def test_a_run_whose_examples_are_not_there_says_so(run, tmp_path):
    with pytest.raises(TrainingError, match=r"reviews\.parquet is not there"):
        train(run, examples_root=tmp_path, checkpoint=tmp_path / "c", storage=tmp_path / "runs")
