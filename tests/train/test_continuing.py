"""Going on from a checkpoint: it starts where that one stood, and says what was forgotten."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from chinese_reviews import CHINESE, write_chinese
from tiny import make_backbone, make_run, write_reviews

from reviewmine.errors import CheckpointError, ConfigError
from reviewmine.evaluation.report import report
from reviewmine.examples.encoded import encode_examples
from reviewmine.examples.labelled import in_validation
from reviewmine.examples.sets import ExampleSet, read_set
from reviewmine.model.batching import padded
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.digest import write_digest
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.model.spec import read_spec, write_spec
from reviewmine.train.continuing import held_out_by_both, read_earlier
from reviewmine.train.prepare import prepare
from reviewmine.train.reporter import AloneReporter
from reviewmine.train.run import finish, train_worker
from reviewmine.train.run_file import TrainingRun


def trained(run: TrainingRun, root: Path, directory: Path) -> dict[str, Any]:
    """The metrics of the checkpoint `directory` that `run` makes."""
    reporter = AloneReporter(lambda line: None)
    train_worker(run, root, reporter, scratch=directory.with_name(f"{directory.name}-scratch"))
    assert reporter.checkpoint is not None
    finish(run, root, trained=reporter.checkpoint, directory=directory)
    told: dict[str, Any] = json.loads((directory / "metrics.json").read_text())
    return told


def continued(run: TrainingRun, checkpoint: Path | str, **changes: Any) -> TrainingRun:
    """`run` on the Chinese set, going on from `checkpoint`."""
    values = run.model_dump(mode="json", exclude={"backbone"})
    values["examples"]["sets"] = [CHINESE]
    values |= {"name": "tiny-en-zh", "languages": ["en", "zh"], "continuing": {"checkpoint": str(checkpoint)}}
    return TrainingRun.model_validate(values | changes)


def test_a_second_language_is_learnt_beside_the_first_and_what_is_forgotten_is_told(tmp_path: Path) -> None:
    root = write_chinese(write_reviews(tmp_path / "sets", 300))
    first, second = tmp_path / "first", tmp_path / "second"
    run = make_run(make_backbone(tmp_path / "backbone"))
    before = trained(run, root, first)
    vocabulary = {"sets": ["chinese"], "units": 60, "min_count": 3, "start": "leaning", "learning_rate": 1e-2}
    again = continued(run, first, vocabulary=vocabulary)
    told = trained(again, root, second)
    checkpoint = load_checkpoint(second)
    assert checkpoint.spec.continues == before["checkpoint"]
    names = [one.name for one in checkpoint.spec.training.sets]
    assert names == ["chinese", "own"]
    replayed = checkpoint.spec.training.sets[1].rows
    assert replayed == pytest.approx(0.2 * load_checkpoint(first).spec.training.sets[0].rows, abs=1)
    for head, figure in (("polarity", "macro_f1"), ("intensity", "mae")):
        assert told["earlier_validation_before"][head][figure] == pytest.approx(
            before["validation"][head][figure],
            abs=0.03,  # what half precision may change
        )
    rows = told["earlier_validation_after"]["polarity"]["rows"]
    assert rows == before["validation"]["polarity"]["rows"]
    assert told["earlier_validation_after"]["polarity"]["macro_f1"] > 0.5
    assert "| earlier validation after |" in (second / "MODEL_CARD.md").read_text()
    chinese = read_set(ExampleSet.model_validate(CHINESE), write_chinese(tmp_path, 100))
    found = report(checkpoint, chinese, robustness_rows=0).of_the_checkpoint
    assert found["polarity"]["accuracy"] > 0.9


def test_a_run_of_the_same_adapter_starts_where_its_checkpoint_stands(tmp_path: Path) -> None:
    root = write_chinese(tmp_path)
    builtin = load_checkpoint(builtin_checkpoint(), dtype=torch.float32)
    ran = builtin.spec.training.run
    run = TrainingRun.model_validate(
        {
            "name": "more",
            "heads": ran["heads"],
            "continuing": {"checkpoint": "builtin", "replay": 0.0},
            "tuning": builtin.spec.adapter.model_dump() if builtin.spec.adapter else {},
            "examples": {"sets": [CHINESE], "validation_share": ran["examples"]["validation_share"]},
        }
    )
    prepared = prepare(run, root)
    reviews = pa.table({"title": ["Fine", None], "body": ["The strap broke at once.", "Superb little lamp"]})
    reviews = reviews.append_column("polarity", pa.nulls(2, pa.string()))
    heads = {"polarity": builtin.spec.heads["polarity"]}
    rows = encode_examples(reviews, builtin.encoder, pad_id=builtin.pad_id, heads=heads)
    token_ids, mask = map(torch.from_numpy, padded(rows.with_title, rows.pad_id))
    with torch.inference_mode():  # in float32: half precision hides what is not the same
        expected, found = (one.eval()(token_ids, mask).logits for one in (builtin.network, prepared.network))
    for name, logits in expected.items():
        torch.testing.assert_close(found[name], logits, atol=1e-3, rtol=0)
    trainable = [name for name, one in prepared.network.backbone.named_parameters() if one.requires_grad]
    assert trainable
    assert all("lora" in name or "added" in name for name in trainable)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingRun, Path, Path]:
    """A run, its examples root (with the Chinese set in it) and the checkpoint that it made."""
    folder = tmp_path_factory.mktemp("english")
    root = write_chinese(write_reviews(folder / "sets", 100), 100)
    run = make_run(make_backbone(folder / "backbone"))
    run = run.model_copy(update={"loop": run.loop.model_copy(update={"epochs": 1})})
    trained(run, root, folder / "checkpoint")
    return run, root, folder / "checkpoint"


def test_another_way_to_tune_goes_on_top_of_the_earlier_one(
    english: tuple[TrainingRun, Path, Path], tmp_path: Path
) -> None:
    run, root, first = english
    for tuning in ({"kind": "heads"}, {"kind": "top_layers", "layers": 1}, {"kind": "prefix"}):
        told = trained(continued(run, first, tuning=tuning), root, tmp_path / str(tuning["kind"]))
        spec = load_checkpoint(tmp_path / str(tuning["kind"]), expected_digest=told["checkpoint"]).spec
        assert spec.backbone.inside
        assert spec.continues == load_checkpoint(first).digest
    more = continued(run, "", continuing={"checkpoint": str(tmp_path / "prefix"), "replay": 1.0})
    with pytest.raises(CheckpointError, match="prefix adapter cannot be folded"):
        prepare(more, root)


def test_what_the_earlier_run_learnt_from_cannot_be_held_out(english: tuple[TrainingRun, Path, Path]) -> None:
    run, root, first = english
    more = continued(run, first).model_dump(mode="json")
    more["examples"]["validation_share"] = 0.3
    with pytest.raises(ConfigError, match=r"validation_share 0\.3 is more than the 0\.2"):
        prepare(TrainingRun.model_validate(more), root)


def test_a_set_that_is_split_otherwise_than_it_was_is_refused(
    english: tuple[TrainingRun, Path, Path],
) -> None:
    run, root, first = english
    again = run.model_dump(mode="json")["examples"]["sets"][0]
    for name in ("own", "the same under another name"):
        more = continued(run, first).model_dump(mode="json")
        more["examples"]["sets"] = [again | {"name": name, "split": {"column": "side"}}]
        with pytest.raises(ConfigError, match=f"{name}: .* split it by the hash of its texts"):
            prepare(TrainingRun.model_validate(more), root)


def test_forgetting_is_judged_on_rows_that_neither_run_trains_on(
    english: tuple[TrainingRun, Path, Path],
) -> None:
    run, root, first = english
    more = continued(run, first, continuing={"checkpoint": str(first), "replay": 1.0}).model_dump(mode="json")
    more["examples"]["validation_share"] = 0.1
    further = TrainingRun.model_validate(more)
    prepared = prepare(further, root)
    assert further.continuing is not None
    earlier = read_earlier(further.continuing)
    held_out = held_out_by_both(earlier, root, validation_share=0.1, heads=further.heads.keys())
    judged = held_out.validation["body"].to_pylist()
    assert len(judged) > 3
    assert in_validation(judged, 0.1).all()
    assert not set(judged) & set(prepared.sets.train["body"].to_pylist())


def test_sets_that_are_not_there_to_be_read_again_stay_in_the_history(
    english: tuple[TrainingRun, Path, Path], tmp_path: Path
) -> None:
    run, root, first = english
    alone = write_chinese(tmp_path, 100)
    second, third = tmp_path / "second", tmp_path / "third"
    none = {"checkpoint": str(first), "replay": 0.0}
    told = trained(continued(run, first, continuing=none), alone, second)
    assert not any(name.startswith("earlier") for name in told)
    card = (second / "MODEL_CARD.md").read_text()
    assert "the figures below do not tell what was forgotten of it" in card
    assert "| own | CC0 | 0 |" in card
    assert [one["name"] for one in read_spec(second).training.unread_sets] == ["own"]
    more = continued(run, second, continuing={"checkpoint": str(second), "replay": 0.5})
    more = more.model_copy(update={"examples": more.examples.model_copy(update={"sets": run.examples.sets})})
    told = trained(more, root, third)
    assert {one.name for one in read_spec(third).training.sets} == {"own", "chinese"}
    for when in ("before", "after"):
        assert told[f"earlier_validation_{when}"]["polarity"]["rows"] > 10
        assert told[f"earlier_validation_{when}_elsewhere"]["polarity"]["rows"] > 10
    assert "| earlier validation after, other languages |" in (third / "MODEL_CARD.md").read_text()


def test_a_head_that_means_something_else_since_the_checkpoint_is_refused(
    english: tuple[TrainingRun, Path, Path],
) -> None:
    run, root, first = english
    heads = run.model_dump(mode="json")["heads"] | {"intensity": {"kind": "ordinal"}}
    with pytest.raises(
        CheckpointError, match=r"head 'intensity' was trained as regression .*, the run file wants ordinal"
    ):
        prepare(continued(run, first, heads=heads), root)


def test_heads_that_would_read_another_vector_than_they_learnt_on_are_refused(
    english: tuple[TrainingRun, Path, Path],
) -> None:
    run, root, first = english
    with pytest.raises(CheckpointError, match=r"with mean pooling, the run file wants .* with cls pooling"):
        prepare(continued(run, first, pooling="cls"), root)


def test_another_checkpoint_than_the_one_named_is_refused(english: tuple[TrainingRun, Path, Path]) -> None:
    run, root, first = english
    choice = {"checkpoint": str(first), "digest": "0" * 64}
    with pytest.raises(CheckpointError, match="expected 0000"):
        prepare(continued(run, "x", continuing=choice), root)


def test_a_checkpoint_that_does_not_say_what_it_learnt_from_cannot_be_gone_on_from(
    english: tuple[TrainingRun, Path, Path], tmp_path: Path
) -> None:
    run, root, first = english
    shutil.copytree(first, tmp_path / "silent")
    spec = read_spec(first)
    silent = spec.model_copy(update={"training": spec.training.model_copy(update={"run": {}})})
    write_spec(silent, tmp_path / "silent")
    write_digest(tmp_path / "silent")
    with pytest.raises(CheckpointError, match="does not say which examples it was trained on"):
        prepare(continued(run, tmp_path / "silent"), root)
