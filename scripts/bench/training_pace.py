"""Prints how fast full tuning of an encoder goes on this machine's device, and where its time goes.

The encoder is built from its sizes alone, so nothing is downloaded; reviews are made up, as long and as unequal as real
ones are (median 45 tokens, one in a hundred over 400). It is trained by the loop that `reviewmine train` runs.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import BertConfig, BertModel

from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import TRAINING_ROUND_TO, padded_width
from reviewmine.model.device import best_device, fast_dtype
from reviewmine.model.head_specs import OPINION_HEADS
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.peak import matrix_peak
from reviewmine.train.collate import EpochBatches, plan_batches
from reviewmine.train.loop import fit
from reviewmine.train.meter import flop_per_token
from reviewmine.train.optimizer import make_optimizer, parameter_groups
from reviewmine.train.parallel import placed
from reviewmine.train.settings import LoopSettings
from reviewmine.train.step import take_step

Lengths = npt.NDArray[np.int64]

SEED = 7
HEAD_WIDTH = 64
VOCABULARY = 30_522
REPORTS = 5
PROFILED_STEPS = 8
MEDIAN_TOKENS = 45
OTHER = "other"
KINDS = {
    "products of matrices": (
        "gemm",
        "nvjet",
        "cutlass_80",
        "addmm",
        "aten::mm",
        "aten::bmm",
        "mkldnn",
        "xmma",
    ),
    "attention": ("fmha", "flash", "attention", "efficient"),
    "norms": ("layer_norm", "LayerNorm", "GammaBeta"),
    "optimizer and clipping": ("adam", "multi_tensor", "lpnorm"),
    "embedding": ("embedding", "index", "sort", "scan"),
    "copies": ("copy", "Memcpy", "Memset", "fill", "aten::cat", "CatArray"),
    "element by element": ("elementwise", "gelu", "triton", "reduce", "add", "mul"),
}
"""Kinds of work by what the names of their kernels hold, the first that fits."""


@dataclass
class Paces:
    """The reporter of one worker: remembers the figures of each report."""

    rank: int = 0
    world_size: int = 1
    reports: list[Mapping[str, float]] = field(default_factory=list)

    def note(self, metrics: Mapping[str, float]) -> None:
        """Remember the figures."""
        self.reports.append(metrics)

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Remember the figures."""
        self.note(metrics)

    def middle(self, name: str) -> float:
        """The median of a figure, the first report aside, which warms up."""
        return median(one[name] for one in self.reports[1:])


def built(given: argparse.Namespace) -> OpinionNetwork:
    """An untrained encoder of these sizes with the heads of annotation."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=given.width,
        num_hidden_layers=given.layers,
        num_attention_heads=given.width // HEAD_WIDTH,
        intermediate_size=4 * given.width,
        max_position_embeddings=max(512, given.max_tokens),
    )
    torch.manual_seed(SEED)
    backbone = BertModel(config, add_pooling_layer=False)
    disable_dropout(backbone)
    return OpinionNetwork(backbone, width=given.width, pooling="mean", heads=OPINION_HEADS)


def made_up(num_steps: int, budget_tokens: int, max_tokens: int) -> EncodedExamples:
    """Random reviews that fill at least so many steps, labelled at random."""
    drawn = np.random.default_rng(SEED)
    lengths = np.empty(0, dtype=np.int64)
    while not len(lengths) or len(planned(lengths, budget_tokens)) < num_steps:
        more = drawn.lognormal(np.log(MEDIAN_TOKENS), 1.0, size=max(64, budget_tokens // 64))
        lengths = np.concatenate([lengths, np.clip(more, 4, max_tokens).astype(np.int64)])
    token_ids = [drawn.integers(1, VOCABULARY, length).astype(np.int32) for length in lengths]
    labels = {
        "polarity": drawn.integers(0, 3, len(lengths)).astype(np.float32),
        "intensity": drawn.random(len(lengths)).astype(np.float32),
    }
    return EncodedExamples(with_title=token_ids, without_title=token_ids, labels=labels, pad_id=0)


def planned(lengths: Lengths, budget_tokens: int) -> list[Lengths]:
    """Steps as the loop plans them for an epoch."""
    return plan_batches(lengths, budget_tokens=budget_tokens, rng=np.random.default_rng(SEED))


def settings_of(given: argparse.Namespace, *, compiled: bool) -> LoopSettings:
    """One epoch in steps of the wanted size, reported REPORTS times."""
    return LoopSettings(
        epochs=1,
        budget_tokens=given.budget_tokens,
        learning_rate=1e-5,
        compile=compiled,
        report_steps=max(1, given.steps // REPORTS),
        checkpoint_steps=10 * given.steps,
        trackers=(),
    )


def main() -> None:
    """Train as it stands, and compiled if asked; print the pace of each way and what its time goes into."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--budget-tokens", type=int, default=65536, help="padded tokens of a step")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--compile", action="store_true", help="compiled as well (loop.compile)")
    given = parser.parse_args()
    if given.width < HEAD_WIDTH or given.width % HEAD_WIDTH:
        parser.error(
            f"--width {given.width}: expected a multiple of {HEAD_WIDTH}, the width of an attention head"
        )
    if given.steps < 2 * REPORTS:
        parser.error(
            f"--steps {given.steps}: expected at least {2 * REPORTS}, of which the first are not counted"
        )
    device = best_device()
    peak = matrix_peak(device, fast_dtype(device))
    examples = made_up(given.steps, given.budget_tokens, given.max_tokens)
    flop = flop_per_token(built(given))
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{named}: peak {peak:,.0f} GFLOP/s in {fast_dtype(device)}")
    print(f"{flop / 6e6:.1f}M parameters in matrices, 6 FLOP for each and for each real token")
    print(_told(examples, given.budget_tokens))
    print("| way | real tokens/s | GFLOP/s | share of the peak |\n|---|---|---|---|", flush=True)
    profiles = {}
    for way in ("as it stands", "compiled")[: 1 + given.compile]:
        network, paces = built(given), Paces()
        settings = settings_of(given, compiled=way == "compiled")
        forward = placed(network, settings, device=device)
        with tempfile.TemporaryDirectory() as scratch:
            fit(
                network,
                examples,
                settings,
                paces,
                seed=SEED,
                title_drop=0.0,
                scratch=Path(scratch),
                forward=forward,
                validate=dict,
                peak_gflops=peak,
            )
        pace = paces.middle("tokens_per_s")
        print(
            f"| {way} | {pace:,.0f} | {pace * flop / 1e9:,.0f} | {paces.middle('peak_share'):.1%} |",
            flush=True,
        )
        profiles[way] = profiled(forward, network, examples, settings, device)
    print(f"| share of the device's time | {' | '.join(profiles)} |\n|---|{'---|' * len(profiles)}")
    for kind in [*KINDS, OTHER]:
        print(f"| {kind} | {' | '.join(f'{shares[kind]:.1%}' for shares in profiles.values())} |")


def _told(examples: EncodedExamples, budget_tokens: int) -> str:
    lengths = np.array([len(some) for some in examples.with_title])
    plan = planned(lengths, budget_tokens)
    read = sum(len(rows) * padded_width(int(lengths[rows].max()), TRAINING_ROUND_TO) for rows in plan)
    return (
        f"{len(lengths):,} reviews, median {np.median(lengths):.0f}, 99th percentile {np.quantile(lengths, 0.99):.0f} "
        f"tokens; {len(plan)} steps of up to {budget_tokens:,} tokens, {1 - lengths.sum() / read:.1%} of them padding"
    )


def profiled(
    forward: torch.nn.Module,
    network: OpinionNetwork,
    examples: EncodedExamples,
    settings: LoopSettings,
    device: torch.device,
) -> dict[str, float]:
    """The share of each kind of work in what the device did in some steps."""
    optimizer = make_optimizer(parameter_groups(network, settings), settings)
    steps = EpochBatches(examples, budget_tokens=settings.budget_tokens, title_drop=0.0, seed=SEED, epoch=0)
    network.train()
    on_gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as seen:
        for number in range(min(PROFILED_STEPS, len(steps))):
            take_step(forward, network, steps[number], optimizer, settings)
    spent = dict.fromkeys([*KINDS, OTHER], 0.0)
    for event in seen.key_averages():
        kind = next((k for k, parts in KINDS.items() if any(part in event.key for part in parts)), OTHER)
        spent[kind] += event.self_device_time_total if on_gpu else event.self_cpu_time_total
    return {kind: own / sum(spent.values()) for kind, own in spent.items()}


if __name__ == "__main__":
    main()
