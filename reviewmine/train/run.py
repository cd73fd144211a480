"""A training run from run file to checkpoint: what each worker does, and what is done once when all are through."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from reviewmine.errors import ContractError, Diverged, TrainingError
from reviewmine.evaluation.judge import brief, brief_names, elsewhere, judge, predict
from reviewmine.examples.sets import ExampleSet
from reviewmine.model import adapter, tuning
from reviewmine.model.backbone import is_path
from reviewmine.model.checkpoint import load_checkpoint, refuse_filled, save_checkpoint
from reviewmine.model.device import fast_dtype
from reviewmine.model.head_specs import HeadSpec
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.peak import matrix_peak
from reviewmine.model.spec import SPEC_FILE, BackboneSpec, Spec, Training, TrainingSet, read_spec
from reviewmine.model.tuning_spec import AllocatedAdapter, FullTuning, TopLayersTuning, adapter_of
from reviewmine.model.vocabulary import added_to, fold_rows
from reviewmine.text.clean import CLEAN_VERSION
from reviewmine.text.mask import mask
from reviewmine.train.calibrate import calibrated_heads
from reviewmine.train.card import tell
from reviewmine.train.continuing import Earlier, forgetting, held_out_by_both
from reviewmine.train.loop import fit
from reviewmine.train.parallel import placed
from reviewmine.train.prepare import Prepared, prepare
from reviewmine.train.reporter import Reporter
from reviewmine.train.resume import load_trained, trained_sha256
from reviewmine.train.run_file import TrainingRun

_SHOWN_LETTERS: Final = 80


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
    _require_rows_of(run.loop.best_metric, prepared)
    dtype = fast_dtype(device) if run.loop.precision == "fastest" else torch.float32
    peak_gflops = matrix_peak(device, dtype, num_tries=3)
    forward = placed(network, run.loop, device=device, world_size=reporter.world_size)

    def validate() -> dict[str, float]:
        logits = predict(network, validation)
        figures = brief(judge(logits, validation.labels, prepared.heads, sets.natural_shares))
        told = brief(_judged_elsewhere(prepared, prepared.heads))
        return figures | {elsewhere(name): figure for name, figure in told.items()}

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
            rate_factors=rate_factors(run, network),
            allocated=run.tuning if isinstance(run.tuning, AllocatedAdapter) else None,
            peak_gflops=peak_gflops,
        )
    except Diverged as diverged:
        raise Diverged(f"{diverged}; {_texts(prepared, diverged.rows[:3])}", rows=diverged.rows) from None


def _require_rows_of(best_metric: str | None, prepared: Prepared) -> None:
    by_name = {elsewhere(name): name for name in brief_names(prepared.heads)}
    if best_metric in by_name and not len(prepared.elsewhere):
        raise TrainingError(
            "loop.best_metric: no validation row is in another language than the natural sets are, so none gives "
            f"{best_metric}; take {by_name[best_metric]}, or add a set"
        )


def rate_factors(run: TrainingRun, network: OpinionNetwork) -> dict[str, float]:
    """The share of the loop's learning rate that a parameter of `network` learns with, by its name; others: 1."""
    factors = {f"backbone.{n}": one for n, one in tuning.rate_factors(network.backbone, run.tuning).items()}
    extended = added_to(network.backbone)
    if run.vocabulary is not None and extended is not None:
        name = next(name for name, one in network.named_parameters() if one is extended.added.weight)
        factors[name] = run.vocabulary.learning_rate / run.loop.learning_rate
    return factors


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

    It is made beside `directory` and moved there whole; a rerun that finds it there, made by the same run of the same
    tensors, leaves it. Returns the checkpoint's digest.
    """
    sha256 = trained_sha256(trained)
    if is_made_by(run, directory) and read_spec(directory).training.trained_sha256 in (sha256, None):
        return load_checkpoint(directory).digest  # an earlier edition did not write down of which tensors
    refuse_filled(directory)
    making = directory.with_name(f".{directory.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    prepared = prepare(run, examples_root)
    network, sets, labels = prepared.network, prepared.sets, prepared.validation.labels
    load_trained(network, trained)
    added = adapter_of(run.tuning)
    if added is not None:  # figures and calibration are those of the numbers that are kept
        adapter.round_as_kept(network.backbone)
    logits = predict(network, prepared.validation)
    before = prepared.heads
    after = calibrated_heads(before, logits, labels, prepared.shares, sets.natural_shares)
    spec = describe(run, prepared, after, trained_sha256=sha256)
    if added is not None and spec.adapter is None:
        network.backbone = adapter.merge(network.backbone)
    if spec.backbone.inside:
        fold_rows(network.backbone)
    digest = save_checkpoint(making, spec=spec, network=network, tokenizer=prepared.backbone.tokenizer)
    metrics = {
        "checkpoint": digest,
        "validation_before_calibration": judge(logits, labels, before, sets.natural_shares),
        "validation": judge(logits, labels, after, sets.natural_shares),
    }
    if elsewhere := _judged_elsewhere(prepared, after):
        metrics["validation_elsewhere"] = elsewhere
    if prepared.earlier is not None:
        metrics |= _forgotten(run, prepared.earlier, examples_root, making)
    tell(making, metrics)
    load_checkpoint(making, expected_digest=digest)
    making.replace(directory)
    return digest


def _forgotten(
    run: TrainingRun, earlier: Earlier, examples_root: str | Path, directory: Path
) -> dict[str, Any]:
    """What the checkpoint in `directory` forgot of `earlier`; {} where that cannot be measured, and why is said."""
    share = run.examples.validation_share
    try:
        held_out = held_out_by_both(earlier, examples_root, validation_share=share, heads=run.heads.keys())
    except (ContractError, TrainingError) as missing:
        print(f"what is forgotten of {earlier.spec.name} is not measured: {missing}", flush=True)
        return {}
    return forgetting(earlier, directory, held_out)


def _judged_elsewhere(prepared: Prepared, heads: Mapping[str, HeadSpec]) -> dict[str, Any]:
    """The metrics on validation examples in languages that no natural set is in, each row counting one; {} for none."""
    examples = prepared.elsewhere
    return judge(predict(prepared.network, examples), examples.labels, heads, {}) if len(examples) else {}


def is_made_by(run: TrainingRun, directory: Path) -> bool:
    """Whether `directory` is a checkpoint that a run of these settings made."""
    made = (directory / SPEC_FILE).is_file()
    return made and read_spec(directory).training.run == run.model_dump(mode="json")


def describe(
    run: TrainingRun, prepared: Prepared, heads: Mapping[str, HeadSpec], *, trained_sha256: str
) -> Spec:
    """The spec of the checkpoint of a run."""
    backbone = _backbone_of(run, prepared)
    added = adapter_of(run.tuning)
    names = prepared.sets.train["set"].to_pylist()
    unread = _unread_sets(prepared)
    return Spec(
        name=run.name,
        backbone=backbone,
        adapter=None if backbone.inside and added is not None and adapter.is_mergeable(added) else added,
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
                for one in (*prepared.examples.sets, *unread)
            ),
            run=run.model_dump(mode="json"),
            replayed_sets=tuple(
                one.model_dump(mode="json") for one in prepared.examples.sets[len(run.examples.sets) :]
            ),
            unread_sets=tuple(one.model_dump(mode="json") for one in unread),
            natural_shares=prepared.sets.natural_shares,
            sampled_shares=prepared.sets.sampled_shares,
            comparable_shares=prepared.sets.comparable_shares,
            trained_sha256=trained_sha256,
        ),
        continues=prepared.earlier.digest if prepared.earlier else None,
    )


def _unread_sets(prepared: Prepared) -> list[ExampleSet]:
    """The sets that an earlier checkpoint learnt from and this run does not read."""
    read = {one.name for one in prepared.examples.sets}
    earlier = prepared.earlier.examples.sets if prepared.earlier else ()
    return [one for one in earlier if one.name not in read]


def _backbone_of(run: TrainingRun, prepared: Prepared) -> BackboneSpec:
    """A backbone that only this machine has by path goes inside, its adapter merged where it can be.

    So does one that was tuned in full, and that of an earlier checkpoint whose own tuning lies under this run's. Of one
    that was tuned in part only that part is kept.
    """
    earlier, extended = prepared.earlier, added_to(prepared.network.backbone)
    added_tokens = extended.added.num_embeddings if extended else 0
    if earlier is not None:
        named = earlier.spec.backbone
        inside = named.inside or named.tuned or not earlier.goes_on_with_adapter(run.tuning)
    else:
        is_local = is_path(run.backbone.name)
        named = BackboneSpec(
            name=Path(run.backbone.name).name if is_local else run.backbone.name,
            revision=run.backbone.revision,
            sha256=prepared.backbone.sha256,
        )
        inside = is_local
    inside = inside or isinstance(run.tuning, FullTuning)
    return named.model_copy(
        update={
            "inside": inside,
            "tuned": isinstance(run.tuning, TopLayersTuning) and not inside,
            "added_tokens": 0 if inside else added_tokens,
        }
    )
