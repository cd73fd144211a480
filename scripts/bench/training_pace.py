"""Prints how fast full tuning of an encoder goes on this machine's device, and where its time goes.

The encoder is built from its sizes alone, so nothing is downloaded; reviews are made up, as long and as unequal as real
ones are (median 45 tokens, one in a hundred over 400). It is trained by the loop that `reviewmine train` runs.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from transformers import BertConfig, BertModel

from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.batching import padded_width
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

SEED = 7
VOCABULARY = 30_522
REPORTS = 5
PROFILED_STEPS = 8
KINDS = {
    "products of matrices": ("gemm", "nvjet", "cutlass_80", "addmm", "aten::mm", "aten::bmm", "mkldnn", "xmma"),
    "attention": ("fmha", "flash", "attention", "efficient"),
    "norms": ("layer_norm", "LayerNorm", "GammaBeta"),
    "optimizer and clipping": ("adam", "multi_tensor", "lpnorm"),
    "embedding": ("embedding", "index", "sort", "scan"),
    "copies": ("copy", "Memcpy", "Memset", "fill", "cat"),
    "element by element": ("elementwise", "gelu", "triton", "reduce", "add", "mul"),
}
"""Kinds of work by what the names of their kernels hold, the first that fits."""


@dataclass
class Paces:
    """The reporter of one worker: remembers the figures of each report."""

    rank: int = 0
    world_size: int = 1
    reports: list[Mapping[str, float]] = field(default_factory=list)

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        """Remember the figures."""
        self.reports.append(metrics)

    def middle(self, name: str) -> float:
        """The median of a figure, the first report aside, which warms up."""
        return median(one[name] for one in self.reports[1:])


def built(given: argparse.Namespace) -> OpinionNetwork:
    """An untrained encoder of these sizes with the heads of annotation."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=given.width,
        num_hidden_layers=given.layers,
        num_attention_heads=given.width // 64,
        intermediate_size=4 * given.width,
    )
    torch.manual_seed(SEED)
    backbone = BertModel(config, add_pooling_layer=False)
    disable_dropout(backbone)
    return OpinionNetwork(backbone, width=given.width, pooling="mean", heads=OPINION_HEADS)


def made_up(num_steps: int, budget_tokens: int, max_tokens: int) -> EncodedExamples:
    """Random reviews that fill a little more than so many steps, labelled at random."""
    drawn = np.random.default_rng(SEED)
    lengths = np.empty(0, dtype=np.int64)
    while _padded(lengths, budget_tokens) < num_steps:
        more = drawn.lognormal(np.log(45), 1.0, size=max(64, budget_tokens // 64))
        lengths = np.concatenate([lengths, np.clip(more, 4, max_tokens).astype(np.int64)])
    token_ids = [drawn.integers(1, VOCABULARY, length).astype(np.int32) for length in lengths]
    labels = {
        "polarity": drawn.integers(0, 3, len(lengths)).astype(np.float32),
        "intensity": drawn.random(len(lengths)).astype(np.float32),
    }
    return EncodedExamples(with_title=token_ids, without_title=token_ids, labels=labels, pad_id=0)


def _padded(lengths: np.ndarray, budget_tokens: int) -> int:
    return len(plan_batches(lengths, budget_tokens=budget_tokens, rng=np.random.default_rng(SEED))) if len(lengths) else 0


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
    """Train as it stands and compiled, print the pace of each, and the profile of the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--budget-tokens", type=int, default=65536, help="padded tokens of a step")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--compile", action="store_true", help="compiled as well")
    given = parser.parse_args()
    device = best_device()
    dtype = fast_dtype(device)
    peak = matrix_peak(device, dtype)
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    examples = made_up(given.steps, given.budget_tokens, given.max_tokens)
    lengths = np.array([len(some) for some in examples.with_title])
    plan = plan_batches(lengths, budget_tokens=given.budget_tokens, rng=np.random.default_rng(SEED))
    padding = 1 - lengths.sum() / sum(len(rows) * padded_width(int(lengths[rows].max())) for rows in plan)
    network = built(given)
    flop = flop_per_token(network)
    print(f"{named}, {dtype}: peak {peak:,.0f} GFLOP/s; {flop / 6e6:.1f}M parameters in matrices, 6 FLOP each and token")
    print(f"{len(lengths):,} reviews, median {np.median(lengths):.0f}, 99th percentile {np.quantile(lengths, 0.99):.0f} "
          f"tokens; {len(plan)} steps of up to {given.budget_tokens:,}, {padding:.1%} of them padding")
    print("| way | real tokens/s | GFLOP/s | share of the peak |")
    print("|---|---|---|---|", flush=True)
    for way in ("as it stands", "compiled")[: 1 + given.compile]:
        settings = settings_of(given, compiled=way == "compiled")
        network, paces = built(given), Paces()
        forward = placed(network, settings, device=device)
        with tempfile.TemporaryDirectory() as scratch:
            fit(network, examples, settings, paces, seed=SEED, title_drop=0.0, scratch=Path(scratch),
                forward=forward, validate=dict, peak_gflops=peak)
        pace = paces.middle("tokens_per_s")
        print(f"| {way} | {pace:,.0f} | {pace * flop / 1e9:,.0f} | {paces.middle('peak_share'):.1%} |", flush=True)
    profiled(built(given), examples, settings_of(given, compiled=False), device)


def profiled(network: OpinionNetwork, examples: EncodedExamples, settings: LoopSettings, device: torch.device) -> None:
    """Print the share of each kind of work in the time of some steps."""
    forward = placed(network, settings, device=device)
    optimizer = make_optimizer(parameter_groups(network, settings), settings)
    steps = EpochBatches(examples, budget_tokens=settings.budget_tokens, title_drop=0.0, seed=SEED, epoch=0)
    network.train()
    kernels = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
    for number in range(2):
        take_step(forward, network, steps[number], optimizer, settings)
    with profile(activities=[kernels]) as seen:
        for number in range(min(PROFILED_STEPS, len(steps))):
            take_step(forward, network, steps[number], optimizer, settings)
    spent: defaultdict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        own = event.self_device_time_total if device.type == "cuda" else event.self_cpu_time_total
        kind = next((k for k, parts in KINDS.items() if any(part in event.key for part in parts)), "other")
        spent[kind] += own
    total = sum(spent.values())
    print("| kind of work | share of the device's time |")
    print("|---|---|")
    for kind, own in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| {kind} | {own / total:.1%} |")


if __name__ == "__main__":
    main()
