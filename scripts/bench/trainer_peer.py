"""Prints fine-tuning through our loop beside the transformers Trainer, in turn: same backbone, rows and epochs."""

import tempfile
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from sklearn.metrics import f1_score
from training_examples import arguments, macro_f1, run_of, train_alone
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
    set_seed,
)

from reviewmine.labels import POLARITIES
from reviewmine.model.backbone import locate
from reviewmine.model.batching import TRAINING_ROUND_TO, padded_width
from reviewmine.model.device import fast_dtype
from reviewmine.model.network import disable_dropout
from reviewmine.train.collate import plan_batches
from reviewmine.train.prepare import Prepared, prepare
from reviewmine.train.run_file import TrainingRun

HEAD_DROPOUT = 0.1
"""What transformers puts before a classifier unless a config says otherwise."""


@dataclass(frozen=True)
class Reached:
    """What one training came to: macro-F1 on validation rows, real tokens per second, the share of padding."""

    macro_f1: float
    tokens_per_s: float
    padding: float


def our_run(given: Namespace, seed: int) -> TrainingRun:
    """Full tuning, with dropout where transformers has it or with none."""
    return run_of(
        given,
        tuning={"kind": "full"},
        loop={"epochs": given.epochs, "budget_tokens": 2048, "learning_rate": given.learning_rate},
        seed=seed,
        dropout=given.dropout,
        head_dropout=HEAD_DROPOUT if given.dropout else 0.0,
    )


def ours(given: Namespace, seed: int) -> tuple[Reached, Prepared]:
    """Full tuning through the loop; the prepared examples are the peer's as well."""
    run = our_run(given, seed)
    with tempfile.TemporaryDirectory() as folder:
        ran = train_alone(run, given.examples.parent, Path(folder))
        assert ran.checkpoint is not None
        prepared = prepare(run, given.examples.parent)
        return Reached(
            macro_f1(prepared, ran.checkpoint), ran.tokens_per_s, _padding(run, prepared)
        ), prepared


def _padding(run: TrainingRun, prepared: Prepared) -> float:
    """The share of padding in such batches as the loop plans for an epoch."""
    lengths = np.array([len(some) for some in prepared.train.with_title])
    batches = plan_batches(lengths, budget_tokens=run.loop.budget_tokens, rng=np.random.default_rng(run.seed))
    return 1 - lengths.sum() / sum(
        len(rows) * padded_width(lengths[rows].max(), TRAINING_ROUND_TO) for rows in batches
    )


def peer_of(given: Namespace) -> PreTrainedModel:
    """The Trainer's network: the same backbone under transformers' own classifier, with as much dropout as ours."""
    network = AutoModelForSequenceClassification.from_pretrained(
        locate(given.backbone), num_labels=len(POLARITIES)
    )
    if not given.dropout:
        disable_dropout(network)
    return network


def theirs(given: Namespace, prepared: Prepared, seed: int) -> Reached:
    """The Trainer as its documentation shows it: batches of equally many rows, padded to their longest."""
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(locate(given.backbone))
    model = peer_of(given)
    numbers = {label: number for number, label in enumerate(POLARITIES)}
    train, validation = (
        [
            {**tokenizer(body, truncation=True, max_length=given.max_tokens), "labels": numbers[label]}
            for body, label in zip(rows["body"].to_pylist(), rows["polarity"].to_pylist(), strict=True)
        ]
        for rows in (prepared.sets.train, prepared.sets.validation)
    )
    with tempfile.TemporaryDirectory() as folder:
        collator = Counting(tokenizer)
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                folder,
                per_device_train_batch_size=given.batch_size,
                per_device_eval_batch_size=given.batch_size,
                num_train_epochs=given.epochs,
                learning_rate=given.learning_rate,
                weight_decay=0.01,
                warmup_steps=0.06,
                use_cpu=True,  # as `train_alone` does
                bf16=fast_dtype("cpu") == torch.bfloat16,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                seed=seed,
            ),
            train_dataset=train,
            data_collator=collator,
        )
        seconds = trainer.train().metrics["train_runtime"]
        real, padded = collator.real_tokens, collator.padded_tokens
        logits = trainer.predict(validation).predictions
    truth = [row["labels"] for row in validation]
    reached = f1_score(truth, np.argmax(logits, axis=1), average="macro")
    return Reached(float(reached), real / seconds, 1 - real / padded)


class Counting(DataCollatorWithPadding):
    """The Trainer's own way to pad, counting what it pads."""

    real_tokens = 0
    padded_tokens = 0

    def __call__(self, features: list[dict[str, object]]) -> dict[str, object]:
        """Pad one batch."""
        batch = super().__call__(features)
        self.real_tokens += int(batch["attention_mask"].sum())
        self.padded_tokens += batch["attention_mask"].numel()
        return batch


def main() -> None:
    """Both in turn for each seed; then medians."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16, help="rows of the Trainer's batches")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument(
        "--dropout",
        action="store_true",
        help="both with the backbone's own dropout, and on what the head reads",
    )
    given = parser.parse_args()
    dropout = f"the backbone's own, and {HEAD_DROPOUT:g} before the head" if given.dropout else "none"
    print(f"dropout of both: {dropout}", flush=True)
    torch.set_num_threads(given.threads)
    found: dict[str, list[Reached]] = {"reviewmine": [], "transformers Trainer": []}
    for seed in range(given.seed, given.seed + given.repeats):
        own, prepared = ours(given, seed)
        found["reviewmine"].append(own)
        found["transformers Trainer"].append(theirs(given, prepared, seed))
        for name, reached in found.items():
            last = reached[-1]
            print(
                f"seed {seed}: {name}: macro-F1 {last.macro_f1:.3f}, {last.tokens_per_s:,.0f} tokens/s",
                flush=True,
            )
    print("| loop | macro-F1, median | tokens/s, median | padding |\n|---|---|---|---|")
    for name, reached in found.items():
        f1, pace, padding = (
            median(getattr(one, field) for one in reached)
            for field in ("macro_f1", "tokens_per_s", "padding")
        )
        print(f"| {name} | {f1:.3f} | {pace:,.0f} | {padding:.0%} |")
    ratios = [a.tokens_per_s / b.tokens_per_s for a, b in zip(*found.values(), strict=True)]
    print(
        f"tokens/s, ratio per seed: {', '.join(f'{ratio:.2f}' for ratio in ratios)}; median {median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
