"""A training run from run file to checkpoint: what each worker does, and what is done once when all are through."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from pydantic import Field, model_validator

from reviewmine.config import RunModel, suggestion
from reviewmine.errors import Diverged
from reviewmine.evaluation.judge import brief, brief_names, judge, predict
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.examples.labelled import ExamplesSettings, LabelledSets, load_examples
from reviewmine.model import adapter, tuning
from reviewmine.model.backbone import Backbone, is_path, load_backbone
from reviewmine.model.batching import padded_width
from reviewmine.model.checkpoint import load_checkpoint, refuse_filled, save_checkpoint
from reviewmine.model.device import fast_dtype
from reviewmine.model.head_specs import HeadSpec, Pooling
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.peak import matrix_peak
from reviewmine.model.spec import SPEC_FILE, BackboneSpec, Spec, Training, TrainingSet, read_spec
from reviewmine.model.tuning_spec import (
    AllocatedAdapter,
    FullTuning,
    LowRankAdapter,
    TopLayersTuning,
    Tuning,
    adapter_of,
)
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
from reviewmine.train.tasks import Tasks, objective_of, opinion_tasks, seen_shares, spec_of

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
    pooling: Pooling = "mean"
    dropout: bool = False
    """Whether the backbone's own dropout is on while it is trained; that of heads is `head_dropout` and their own."""
    head_dropout: float = Field(default=0.0, ge=0, lt=1)
    heads: Tasks = Field(default_factory=opinion_tasks)
    prior_strength: float = Field(default=1.0, ge=0, le=1)
    """How far class shares count: 1 as in an archive, 0 not at all; see calibrate.assumed_shares."""
    backbone: BackboneChoice = BackboneChoice()
    tuning: Tuning = LowRankAdapter()
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

    @model_validator(mode="after")
    def _ranks_are_not_cut_among_workers(self) -> "TrainingRun":
        if isinstance(self.tuning, AllocatedAdapter) and self.loop.parallel == "fsdp":
            raise ValueError(
                "tuning adalora cuts ranks of whole tensors, and loop.parallel fsdp cuts those up: use ddp"
            )
        return self

    @model_validator(mode="after")
    def _best_metric_is_one_that_validation_gives(self) -> "TrainingRun":
        metric, known = self.loop.best_metric, self.metrics
        if metric is not None and metric not in known:
            raise ValueError(
                f"loop.best_metric: validation gives no '{metric}' of these heads; {suggestion(metric, known)}"
            )
        return self

    @property
    def metrics(self) -> list[str]:
        """The figures that validation may give of the heads of the run."""
        return brief_names({name: spec_of(task) for name, task in self.heads.items()})

    @model_validator(mode="after")
    def _sets_label_heads_that_are_there(self) -> "TrainingRun":
        for one in self.examples.sets:
            if unknown := sorted(one.labels.keys() - self.heads.keys()):
                raise ValueError(
                    f"examples.sets {one.name}: labels for '{unknown[0]}', but the heads of the run are "
                    f"{', '.join(self.heads)}; add [heads.{unknown[0]}] or take the labels out"
                )
        for head in self.heads:
            if not any(one.labels_head(head) for one in self.examples.sets):
                raise ValueError(
                    f"heads.{head}: no set has labels of it; name its column under `labels` of a set "
                    "(polarity and intensity also come from `columns.rating`), or take the head out"
                )
        return self


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything of a run that is the same on every worker: examples on both sides of the split, and the network.

    `heads` decode logits by the `shares` that classes are assumed to come in, and are not calibrated otherwise.
    """

    sets: LabelledSets
    train: EncodedExamples
    validation: EncodedExamples
    heads: dict[str, HeadSpec]
    shares: dict[str, tuple[float, ...]]
    backbone: Backbone
    network: OpinionNetwork


def prepare(run: TrainingRun, examples_root: str | Path) -> Prepared:
    """Read and encode the examples and build the untrained network, the same for the same run and root."""
    specs = {name: spec_of(task) for name, task in run.heads.items()}
    takes = {name: spec.takes for name, spec in specs.items()}
    sets = load_examples(run.examples, examples_root, seed=run.seed, heads=takes)
    backbone = load_backbone(run.backbone.name, run.backbone.revision)
    encoder = TextEncoder(backbone.tokenizer.backend_tokenizer, max_tokens=run.max_tokens)
    shares = {name: assumed_shares(found, run.prior_strength) for name, found in sets.natural_shares.items()}
    pad_id = int(backbone.tokenizer.pad_token_id or 0)
    return Prepared(
        sets=sets,
        train=encode_examples(sets.train, encoder, pad_id=pad_id, heads=specs),
        validation=encode_examples(sets.validation, encoder, pad_id=pad_id, heads=specs),
        heads=shifted_heads(specs, shares, seen_shares(run.heads, sets.sampled_shares)),
        shares=shares,
        backbone=backbone,
        network=build_network(run, backbone, sets.sampled_shares),
    )


def build_network(
    run: TrainingRun, backbone: Backbone, sampled_shares: Mapping[str, Sequence[float]]
) -> OpinionNetwork:
    """The untrained network of a run, its adapter and heads drawn from the run's seed."""
    torch.manual_seed(run.seed)
    if not run.dropout:
        disable_dropout(backbone.model)
    return OpinionNetwork(
        tuning.prepare(backbone.model, run.tuning),
        width=backbone.width,
        pooling=run.pooling,
        heads={name: spec_of(task) for name, task in run.heads.items()},
        objectives={
            name: objective_of(task, dropout=run.head_dropout, sampled_shares=sampled_shares.get(name))
            for name, task in run.heads.items()
        },
    )


def train_worker(
    run: TrainingRun,
    examples_root: str | Path,
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
    if reporter.rank == 0:
        print("\n".join(sets.census), flush=True)
    dtype = fast_dtype(device) if run.loop.precision == "fastest" else torch.float32
    peak_gflops = matrix_peak(device, dtype, num_tries=3)
    factors = {
        f"backbone.{name}": one for name, one in tuning.rate_factors(network.backbone, run.tuning).items()
    }
    forward = placed(network, run.loop, device=device, world_size=reporter.world_size)

    def validate() -> dict[str, float]:
        logits = predict(network, validation)
        return brief(judge(logits, validation.labels, prepared.heads, sets.natural_shares))

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
            rate_factors=factors,
            allocated=run.tuning if isinstance(run.tuning, AllocatedAdapter) else None,
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


def finish(run: TrainingRun, examples_root: str | Path, *, trained: Path, directory: Path) -> str:
    """Make the checkpoint `directory` of the tensors that the loop kept in `trained`: calibrate, save, measure, tell.

    It is made beside `directory` and moved there whole; a rerun that finds it there, made by the same run, leaves it.
    Returns the checkpoint's digest.
    """
    if (directory / SPEC_FILE).is_file() and read_spec(directory).training.run == run.model_dump(mode="json"):
        return load_checkpoint(directory).digest
    making = directory.with_name(f".{directory.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    prepared = prepare(run, examples_root)
    network, sets, labels = prepared.network, prepared.sets, prepared.validation.labels
    load_trained(network, trained)
    logits = predict(network, prepared.validation)
    before = prepared.heads
    after = calibrated_heads(before, logits, labels, prepared.shares, sets.natural_shares)
    spec = describe(run, prepared, after)
    added = adapter_of(run.tuning)
    if added is not None and spec.adapter is None:
        network.backbone = adapter.merge(network.backbone)
    refuse_filled(directory)
    digest = save_checkpoint(making, spec=spec, network=network, tokenizer=prepared.backbone.tokenizer)
    metrics = {
        "checkpoint": digest,
        "validation_before_calibration": judge(logits, labels, before, sets.natural_shares),
        "validation": judge(logits, labels, after, sets.natural_shares),
    }
    tell(making, metrics)
    load_checkpoint(making, expected_digest=digest)
    making.replace(directory)
    return digest


def describe(run: TrainingRun, prepared: Prepared, heads: Mapping[str, HeadSpec]) -> Spec:
    """The spec of the checkpoint of a run.

    A backbone that only this machine has by path goes inside, its adapter merged where it can be; so does one that was
    tuned in full. Of one that was tuned in part only that part is kept.
    """
    inside = is_path(run.backbone.name) or isinstance(run.tuning, FullTuning)
    added = adapter_of(run.tuning)
    names = prepared.sets.train["set"].to_pylist()
    return Spec(
        name=run.name,
        backbone=BackboneSpec(
            name=Path(run.backbone.name).name if inside else run.backbone.name,
            revision=run.backbone.revision,
            sha256=prepared.backbone.sha256,
            inside=inside,
            tuned=isinstance(run.tuning, TopLayersTuning) and not inside,
        ),
        adapter=None if inside and added is not None and adapter.is_mergeable(added) else added,
        pooling=run.pooling,
        heads=dict(heads),
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
