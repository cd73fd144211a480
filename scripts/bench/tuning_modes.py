"""Prints what each way to tune trains, keeps and reaches on the same examples, one line per way."""

import tempfile
from argparse import ArgumentTypeError
from pathlib import Path
from statistics import median
from typing import Any

import torch
from training_examples import arguments, macro_f1, run_of, train_alone

from reviewmine.train.prepare import prepare
from reviewmine.train.run import finish
from reviewmine.train.run_file import TrainingRun

WAYS: dict[str, tuple[dict[str, Any], float]] = {
    "heads": ({"kind": "heads"}, 1e-3),
    "full": ({"kind": "full"}, 1e-4),
    "full with layer decay .8": ({"kind": "full", "layer_decay": 0.8}, 2e-4),
    "top 2 layers": ({"kind": "top_layers", "layers": 2}, 2e-4),
    "lora 16": ({"kind": "lora"}, 8e-4),
    "dora 16": ({"kind": "dora"}, 8e-4),
    "adalora 12 to 8": ({"kind": "adalora"}, 3e-3),
    "ia3": ({"kind": "ia3"}, 8e-3),
    "prefix 16": ({"kind": "prefix"}, 1e-2),
}
"""The ways and their learning rates, each the best of three tried on other examples."""


def named_ways(listed: str) -> list[str]:
    """The names in a list with commas. Raises ArgumentTypeError for one that no way has."""
    named = [name.strip() for name in listed.split(",")]
    if unknown := [name for name in named if name not in WAYS]:
        raise ArgumentTypeError(f"no way is called '{unknown[0]}'; expected some of {', '.join(WAYS)}")
    return named


def main() -> None:
    """Train every way on every seed, in turn, and print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="seeds, each of which splits nothing anew")
    parser.add_argument("--ways", default=",".join(WAYS), help="some of: %(default)s", type=named_ways)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print("| way | trained parameters | checkpoint | macro-F1, median (all) | tokens/s |")
    print("|---|---|---|---|---|", flush=True)
    for way in given.ways:
        tuning, rate = WAYS[way]
        loop = {"epochs": given.epochs, "budget_tokens": 2048, "learning_rate": rate}
        runs = [run_of(given, tuning=tuning, loop=loop, seed=given.seed + n) for n in range(given.repeats)]
        print(_line(way, runs, given.examples.parent), flush=True)


def _line(way: str, runs: list[TrainingRun], root: Path) -> str:
    reached, paces, size, trained = [], [], 0, 0
    for run in runs:
        with tempfile.TemporaryDirectory() as folder:
            ran = train_alone(run, root, Path(folder, "scratch"))
            assert ran.checkpoint is not None
            prepared = prepare(run, root)
            trained = sum(one.numel() for one in prepared.network.parameters() if one.requires_grad)
            reached.append(macro_f1(prepared, ran.checkpoint))
            paces.append(ran.tokens_per_s)
            checkpoint = Path(folder, "checkpoint")
            finish(run, root, trained=ran.checkpoint, directory=checkpoint)
            size = sum(path.stat().st_size for path in checkpoint.rglob("*.safetensors"))
    everything = ", ".join(f"{one:.3f}" for one in reached)
    return (
        f"| {way} | {trained:,} | {size / 1e6:.1f} MB | {median(reached):.3f} ({everything}) "
        f"| {median(paces):,.0f} |"
    )


if __name__ == "__main__":
    main()
