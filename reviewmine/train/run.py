"""A training run from run file to checkpoint: what each worker does, and what is done once when all are through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from pydantic import Field, model_validator

from reviewmine.config import RunModel
from reviewmine.errors import Diverged
from reviewmine.evaluation.judge import brief, judge, predict
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.examples.labelled import ExamplesSettings, LabelledSets, load_examples
from reviewmine.model import adapter
from reviewmine.model.backbone import Backbone, is_path, load_backbone
from reviewmine.model.batching import padded_width
from reviewmine.model.checkpoint import load_checkpoint, save_checkpoint
from reviewmine.model.device import fast_dtype
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.peak import matrix_peak
from reviewmine.model.spec import AdapterSpec, BackboneSpec, HeadSpecs, Spec, Training, TrainingSet
from reviewmine.text.clean import CLEAN_VERSION
from reviewmine.text.encode import TextEncoder
from reviewmine.text.mask import mask
from reviewmine.train.calibrate import assumed_shares, calibrated_heads, shifted_heads
from reviewmine.train.card import tell
from reviewmine.train.loop import fit
from reviewmine.train.parallel import placed
from reviewmine.train.reporter import Reporter
from reviewmine.train.resume import load_trained
from reviewmine.train.settings import LoopSettings

_SHOWN_LETTERS: Final = 80


class BackboneChoice(RunModel):
    """The backbone of a run: `builtin:minilm-l6`, a path, or a hub id with its revision."""

    name: str = "builtin:minilm-l6"
    revision: str | None = None


class TrainingRun(RunModel):
    """The run file of `reviewmine train`."""

    name: str
    seed: int = 7
    languages: tuple[str, ...] = ("en",)
    max_tokens: int = Field(default=256, ge=16)
    pooling: Literal["mean", "cls"] = "mean"
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    dropout: bool = False
    prior_strength: float = Field(default=1.0, ge=0, le=1)
    """How far class shares count: 1 as in an archive, 0 not at all; see calibrate.assumed_shares."""
    backbone: BackboneChoice = BackboneChoice()
    adapter: AdapterSpec = AdapterSpec()
    examples: ExamplesSettings
    loop: LoopSettings = LoopSettings()

    @model_validator(mode="after")
    def _a_step_holds_the_longest_example(self) -> "TrainingRun":
        if self.loop.budget_tokens < padded_width(self.max_tokens):
            raise ValueError(
                f"loop.budget_tokens {self.loop.budget_tokens} is less than one example of max_tokens "
                f"{self.max_tokens}; raise the one or lower the other"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything of a run that is the same on every worker: examples on both sides of the split, and the network."""

    sets: LabelledSets
    train: EncodedExamples
    validation: EncodedExamples
    backbone: Backbone
    network: OpinionNetwork


def prepare(run: TrainingRun, examples_root: Path) -> Prepared:
    """Read and encode the examples and build the untrained network, the same for the same run and root."""
    sets = load_examples(run.examples, examples_root, seed=run.seed)
    backbone = load_backbone(run.backbone.name, run.backbone.revision)
    encoder = TextEncoder(backbone.tokenizer.backend_tokenizer, max_tokens=run.max_tokens)
    pad_id = int(backbone.tokenizer.pad_token_id or 0)
    return Prepared(
        sets=sets,
        train=encode_examples(sets.train, encoder, pad_id=pad_id),
        validation=encode_examples(sets.validation, encoder, pad_id=pad_id),
        backbone=backbone,
        network=build_network(run, backbone),
    )


def build_network(run: TrainingRun, backbone: Backbone) -> OpinionNetwork:
    """The untrained network of a run, its adapter and heads drawn from the run's seed."""
    torch.manual_seed(run.seed)
    network = OpinionNetwork(
        adapter.attach(backbone.model, run.adapter),
        width=backbone.width,
        pooling=run.pooling,
        label_smoothing=run.label_smoothing,
    )
    if not run.dropout:
        disable_dropout(network)
    return network


def train_worker(
    run: TrainingRun,
    examples_root: Path,
    reporter: Reporter,
    *,
    scratch: Path,
    device: torch.device | str = "cpu",
    resume_from: Path | None = None,
) -> None:
    """What each worker does: prepare, train, report. More than one need torch's process group.

    The last directory that worker 0 reports is what `finish` makes a checkpoint of.
    """
    prepared = prepare(run, examples_root)
    network, device = prepared.network, torch.device(device)
    sets, validation = prepared.sets, prepared.validation
    heads = shifted_heads(assumed_shares(sets.natural_shares, run.prior_strength), sets.sampled_shares)
    dtype = fast_dtype(device) if run.loop.precision == "fastest" else torch.float32
    peak_gflops = matrix_peak(device, dtype, num_tries=3)
    forward = placed(network, run.loop, device=device, world_size=reporter.world_size)

    def validate() -> dict[str, float]:
        return brief(judge(predict(network, validation), validation.labels, heads, sets.natural_shares))

    try:
        fit(
            network,
            prepared.train,
            run.loop,
            reporter,
            seed=run.seed,
            title_drop=run.examples.title_drop,
            scratch=scratch,
            forward=forward,
            validate=validate,
            resume_from=resume_from,
            peak_gflops=peak_gflops,
        )
    except Diverged as diverged:
        raise Diverged(f"{diverged}; {_texts(prepared, diverged.rows[:3])}", rows=diverged.rows) from None


def _texts(prepared: Prepared, rows: Sequence[int]) -> str:
    """How the training examples of these numbers begin, personal things masked."""
    decode = prepared.backbone.tokenizer.decode
    begun = (
        mask(decode(prepared.train.with_title[row], skip_special_tokens=True))[:_SHOWN_LETTERS]
        for row in rows
    )
    return "; ".join(f"row {row} begins {text!r}" for row, text in zip(rows, begun, strict=True))


def finish(run: TrainingRun, examples_root: Path, *, trained: Path, directory: Path) -> str:
    """Make the checkpoint `directory` of the tensors that the loop kept in `trained`: calibrate, save, measure, tell.

    Returns the checkpoint's digest.
    """
    prepared = prepare(run, examples_root)
    network, sets, labels = prepared.network, prepared.sets, prepared.validation.labels
    load_trained(network, trained)
    logits = predict(network, prepared.validation)
    shares = assumed_shares(sets.natural_shares, run.prior_strength)
    before = shifted_heads(shares, sets.sampled_shares)
    after = calibrated_heads(before, logits, labels, shares, sets.natural_shares)
    spec = describe(run, prepared, after)
    if spec.adapter is None:
        network.backbone = adapter.merge(network.backbone)
    digest = save_checkpoint(directory, spec=spec, network=network, tokenizer=prepared.backbone.tokenizer)
    metrics = {
        "checkpoint": digest,
        "validation_before_calibration": judge(logits, labels, before, sets.natural_shares),
        "validation": judge(logits, labels, after, sets.natural_shares),
    }
    tell(directory, metrics)
    return load_checkpoint(directory, expected_digest=digest).digest


def describe(run: TrainingRun, prepared: Prepared, heads: HeadSpecs) -> Spec:
    """The spec of the checkpoint of a run; a backbone that only this machine has by path goes inside it, merged."""
    inside = is_path(run.backbone.name)
    names = prepared.sets.train["set"].to_pylist()
    return Spec(
        name=run.name,
        backbone=BackboneSpec(
            name=Path(run.backbone.name).name if inside else run.backbone.name,
            revision=run.backbone.revision,
            sha256=prepared.backbone.sha256,
            inside=inside,
        ),
        adapter=None if inside else run.adapter,
        pooling=run.pooling,
        heads=heads,
        max_tokens=run.max_tokens,
        clean_version=CLEAN_VERSION,
        languages=run.languages,
        training=Training(
            sets=tuple(
                TrainingSet(
                    name=one.name, licence=one.licence, citation=one.citation, rows=names.count(one.name)
                )
                for one in run.examples.sets
            ),
            run=run.model_dump(mode="json"),
            natural_shares=prepared.sets.natural_shares,
            sampled_shares=prepared.sets.sampled_shares,
        ),
    )
