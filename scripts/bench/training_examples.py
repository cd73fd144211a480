"""Examples and runs for the benches of training: one labelled set with stars, and the same short run over it."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reviewmine.evaluation.judge import judge, predict
from reviewmine.train.prepare import Prepared
from reviewmine.train.resume import load_trained
from reviewmine.train.run import train_worker
from reviewmine.train.run_file import TrainingRun


def arguments(description: str) -> argparse.ArgumentParser:
    """What both benches are told on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--examples", type=Path, required=True, help="a Parquet file of reviews with stars")
    parser.add_argument("--rating", default="rating")
    parser.add_argument("--rows", type=int, default=2000, help="training rows")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--backbone", default="builtin:minilm-l6")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser


def run_of(given: argparse.Namespace, **changes: Any) -> TrainingRun:
    """A run of polarity alone on the set, class shares as they are, validation a fifth of the texts."""
    one = {
        "name": given.examples.stem,
        "path": given.examples.name,
        "licence": "not passed on",
        "columns": {"rating": given.rating},
        "rows": given.rows,
    }
    values = {
        "name": "bench",
        "seed": given.seed,
        "max_tokens": given.max_tokens,
        "backbone": {"name": given.backbone},
        "heads": {"polarity": {"kind": "classification", "labels": ["negative", "neutral", "positive"]}},
        "loop": {"epochs": given.epochs, "budget_tokens": 2048},
        "examples": {"sets": [one], "validation_share": 0.2, "balance": 0.0, "title_drop": 0.0},
    }
    return TrainingRun.model_validate(values | changes)


@dataclass
class Paces:
    """The reporter of one worker: remembers the pace of all steps, and the last directory."""

    rank: int = 0
    world_size: int = 1
    checkpoint: Path | None = None
    num_steps: float = 0.0
    seconds_per_token: float = 0.0
    """The sum over all steps of what a token took."""

    def note(self, metrics: Mapping[str, float]) -> None:
        """Count the steps since the figures before at the pace of these."""
        steps = metrics["step"] - self.num_steps
        self.num_steps += steps
        self.seconds_per_token += steps / metrics["tokens_per_s"]

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Count the steps and remember the directory."""
        self.note(metrics)
        self.checkpoint = checkpoint or self.checkpoint

    @property
    def tokens_per_s(self) -> float:
        """Real tokens per second while steps were taken."""
        return self.num_steps / self.seconds_per_token


def train_alone(run: TrainingRun, examples_root: Path, scratch: Path) -> Paces:
    """Train `run` in this process; its tensors lie in the directory that is returned with the pace."""
    paces = Paces()
    train_worker(run, examples_root, paces, scratch=scratch)
    return paces


def macro_f1(prepared: Prepared, trained: Path) -> float:
    """Macro-F1 on validation rows of the network with the tensors that the loop left in `trained`."""
    load_trained(prepared.network, trained)
    logits = predict(prepared.network, prepared.validation)
    return float(judge(logits, prepared.validation.labels, prepared.heads, {})["polarity"]["macro_f1"])
