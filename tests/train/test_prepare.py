"""What a run is made of before its first step: units that its vocabulary gets, and how quickly their rows learn."""

from pathlib import Path
from typing import Any

import pytest
import torch
from chinese_reviews import CHINESE, write_chinese
from tiny import make_backbone, make_run, write_reviews

from reviewmine.errors import TrainingError
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.vocabulary import added_to
from reviewmine.train.optimizer import parameter_groups
from reviewmine.train.prepare import prepare
from reviewmine.train.run import rate_factors
from reviewmine.train.run_file import TrainingRun


def extended(root: Path, vocabulary: dict[str, Any], **of_the_set: Any) -> TrainingRun:
    """A run on the English set and the Chinese one, both under `root`, that extends its vocabulary."""
    values = make_run(make_backbone(root / "backbone")).model_dump(mode="json")
    values["examples"]["sets"].append(CHINESE | of_the_set)
    write_chinese(write_reviews(root, 60), 60)
    return TrainingRun.model_validate(values | {"vocabulary": vocabulary})


def rows_added(network: OpinionNetwork) -> torch.nn.Parameter:
    table = added_to(network.backbone)
    assert table is not None
    return table.added.weight


def test_texts_without_a_character_that_can_be_learnt_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no Chinese or Japanese .* texts of own, and no other script"):
        prepare(extended(tmp_path, {"sets": ["own"], "min_count": 2}), tmp_path)


def test_how_often_a_set_is_read_changes_nothing_about_the_units_learnt_from_it(tmp_path: Path) -> None:
    vocabulary = {"sets": ["chinese"], "min_count": 12}
    once, often = (
        prepare(extended(tmp_path, vocabulary, weight=weight), tmp_path).backbone.tokenizer.get_added_vocab()
        for weight in (1.0, 4.0)
    )
    assert once == often


def test_rows_of_added_units_learn_at_a_rate_of_their_own(tmp_path: Path) -> None:
    run = extended(tmp_path, {"sets": ["chinese"], "min_count": 3, "learning_rate": 0.02})
    network = prepare(run, tmp_path).network
    groups = parameter_groups(network, run.loop, rate_factors(run, network))
    rates = {id(one): group["lr"] for group in groups for one in group["params"]}
    added = rows_added(network)
    assert rates.pop(id(added)) == pytest.approx(0.02)
    assert set(rates.values()) == {run.loop.learning_rate}
    assert run.loop.learning_rate == run.loop.head_learning_rate != 0.02
