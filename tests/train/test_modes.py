"""Every way to tune goes the whole road: run file, loop, checkpoint, and a reader of reviews it never saw."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import make_backbone, write_reviews

from reviewmine.evaluation.report import report
from reviewmine.examples.encoded import encode_examples
from reviewmine.examples.sets import read_set
from reviewmine.model import adapter
from reviewmine.model.batching import padded
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.tuning_spec import adapter_of
from reviewmine.train.prepare import prepare
from reviewmine.train.reporter import AloneReporter
from reviewmine.train.resume import load_trained
from reviewmine.train.run import finish, train_worker
from reviewmine.train.run_file import TrainingRun

WAYS: dict[str, tuple[dict[str, Any], float]] = {
    "full": ({"kind": "full", "layer_decay": 0.9}, 3e-3),
    "top_layers": ({"kind": "top_layers", "layers": 1}, 3e-3),
    "heads": ({"kind": "heads"}, 1e-2),
    "lora": ({"kind": "lora", "rank": 8}, 5e-3),
    "dora": ({"kind": "dora", "rank": 8}, 5e-3),
    "adalora": ({"kind": "adalora", "rank": 4, "initial_rank": 6}, 1e-2),
    "ia3": ({"kind": "ia3"}, 1e-2),
    "prefix": ({"kind": "prefix", "num_tokens": 4}, 1e-2),
}

# What these learn is read off a backbone whose weights are random here; always answering `positive` has .26.
ON_RANDOM_FEATURES = {"heads", "ia3", "prefix"}
VARIANTS = {"dora", "adalora", "ia3", "prefix"}
"""What goes the road of LoRA but for PEFT's own part."""


def a_run(backbone: Path, tuning: dict[str, Any], learning_rate: float) -> TrainingRun:
    return TrainingRun.model_validate(
        {
            "name": "tiny-en",
            "max_tokens": 64,
            "backbone": {"name": str(backbone)},
            "tuning": tuning,
            "loop": {
                "epochs": 12,
                "budget_tokens": 256,
                "learning_rate": learning_rate,
                "head_learning_rate": 1e-2,
            },
            "examples": {
                "validation_share": 0.2,
                "sets": [
                    {
                        "name": "own",
                        "path": "reviews.parquet",
                        "licence": "CC0",
                        "natural": True,
                        "columns": {"body": "text", "title": "title", "rating": "stars", "language": "lang"},
                    }
                ],
            },
        }
    )


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.slow) if way in VARIANTS else way for way in WAYS]
)
def test_it_learns_and_its_checkpoint_answers_as_the_network_that_was_trained(
    way: str, tmp_path: Path
) -> None:
    backbone = make_backbone(tmp_path / "backbone")
    run, root = a_run(backbone, *WAYS[way]), write_reviews(tmp_path / "sets", 300)
    reporter = AloneReporter(lambda line: None)
    train_worker(run, root, reporter, scratch=tmp_path / "scratch")
    assert reporter.checkpoint is not None
    finish(run, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint")
    checkpoint = load_checkpoint(tmp_path / "checkpoint")
    unseen = read_set(run.examples.sets[0], write_reviews(tmp_path / "unseen", 150, seed=9))
    metrics = report(checkpoint, unseen, robustness_rows=0).of_the_checkpoint
    assert metrics["polarity"]["macro_f1"] > (0.3 if way in ON_RANDOM_FEATURES else 0.9)
    assert metrics["intensity"]["spearman"] > 0.6

    trained = prepare(run, root).network
    load_trained(trained, reporter.checkpoint)
    if adapter_of(run.tuning) is not None:
        adapter.round_as_kept(trained.backbone)
    trained.eval()
    exact = load_checkpoint(
        tmp_path / "checkpoint", dtype=torch.float32
    ).network  # half precision would hide it
    examples = encode_examples(unseen, checkpoint.encoder, pad_id=checkpoint.pad_id)
    token_ids, mask = padded(examples.with_title, checkpoint.pad_id)
    batch = torch.from_numpy(token_ids), torch.from_numpy(mask)
    with torch.inference_mode():
        ours, theirs = trained(*batch).logits, exact(*batch).logits
    for head, logits in ours.items():
        torch.testing.assert_close(theirs[head], logits, atol=2e-4, rtol=0)
