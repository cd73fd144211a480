from pathlib import Path

import numpy as np
import pytest

from reviewmine.errors import CheckpointError, TrainingError, UsageError
from reviewmine.evaluation.metrics import classification_metrics, regression_metrics
from reviewmine.labels import POLARITIES
from reviewmine.model.digest import digest, write_digest
from reviewmine.model.spec import BackboneSpec, Spec, Training, TrainingSet, write_spec
from reviewmine.model.tuning_spec import LowRankAdapter
from reviewmine.train.card import record, tell


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A checkpoint's folder with nothing but its spec, and what was told of it."""
    sets = (TrainingSet(name="lamps", licence="CC BY 4.0", citation="A. Lamp, 2020", rows=12),)
    spec = Spec(
        name="tiny-en",
        backbone=BackboneSpec(name="builtin:minilm-l6", sha256="0" * 64),
        adapter=LowRankAdapter(rank=4),
        max_tokens=64,
        clean_version=1,
        languages=("en",),
        training=Training(
            sets=sets,
            natural_shares={"polarity": (0.1, 0.1, 0.8)},
            sampled_shares={"polarity": (0.3, 0.3, 0.4)},
            comparable_shares={"polarity": (0.2, 0.3, 0.5)},
        ),
    )
    write_spec(spec, tmp_path)
    tell(tmp_path, {"checkpoint": write_digest(tmp_path)})
    return tmp_path


def figures(checkpoint: str) -> dict[str, object]:
    labels = np.array([0, 2], dtype=np.float32)
    answers = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], dtype=np.float32)
    polarity = classification_metrics(labels, answers, POLARITIES)
    intensity = regression_metrics(np.ones(2, np.float32), np.ones(2, np.float32))
    return {"checkpoint": checkpoint, "polarity": polarity, "intensity": intensity}


def test_the_card_names_backbone_adapter_sets_licences_and_shares(told: Path) -> None:
    card = (told / "MODEL_CARD.md").read_text()
    for part in (
        digest(told),
        "builtin:minilm-l6",
        "rank 4",
        "| lamps | CC BY 4.0 | 12 | A. Lamp, 2020 |",
        "0.200, 0.300, 0.500 of that in the languages of the naturally distributed sets, 0.100, 0.100, 0.800 in",
        "## Limits",
    ):
        assert part in card


def test_an_evaluation_is_recorded_beside_those_before_it(told: Path) -> None:
    record(told, "one_archive", figures(digest(told)))
    record(told, "another", figures(digest(told)))
    card = (told / "MODEL_CARD.md").read_text()
    assert (
        "| one archive | 2 | 1.000 (1.000 to 1.000) | 1.000 | 1.000 / 0.000 / 1.000 | 0.200 |  | 0.000 |"
        in card
    )
    assert "| another | 2 |" in card


def test_the_card_quotes_what_its_makers_noted(told: Path) -> None:
    (told / "NOTES.md").write_text("Two rates were tried.\n")
    record(told, "one_archive", figures(digest(told)))
    assert (
        "## How it was chosen\n\nTwo rates were tried.\n\n## Limits" in (told / "MODEL_CARD.md").read_text()
    )


def test_the_evaluation_of_another_checkpoint_is_refused(told: Path) -> None:
    with pytest.raises(
        CheckpointError, match=f"the evaluation is of checkpoint 6666.*, expected {digest(told)}"
    ):
        record(told, "one", figures("6" * 64))


def test_metrics_that_belong_to_another_checkpoint_are_not_added_to(told: Path) -> None:
    (told / "metrics.json").write_text('{"checkpoint": "77"}')
    with pytest.raises(CheckpointError, match=r"metrics\.json is of checkpoint 77"):
        record(told, "one_archive", figures(digest(told)))


@pytest.mark.parametrize("name", ["checkpoint", "validation"])
def test_the_names_that_the_training_run_uses_are_refused(told: Path, name: str) -> None:
    with pytest.raises(UsageError, match="taken by the training run"):
        record(told, name, figures(digest(told)))


def test_an_evaluation_without_labels_leaves_the_card_as_it_is(told: Path) -> None:
    before = (told / "MODEL_CARD.md").read_text()
    with pytest.raises(TrainingError, match="nothing to record"):
        record(told, "one_archive", {"checkpoint": digest(told), "polarity": {"rows": 0}})
    assert (told / "MODEL_CARD.md").read_text() == before
