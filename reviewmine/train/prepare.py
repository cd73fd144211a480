"""Preparing a run: its examples read, split and encoded, and its untrained network built, alike on every worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from reviewmine.errors import TrainingError
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.examples.labelled import ExamplesSettings, LabelledSets, load_examples
from reviewmine.model import tuning
from reviewmine.model.backbone import Backbone, load_backbone
from reviewmine.model.head_specs import ClassificationSpec, HeadSpec
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.vocabulary import add_units, added_to, learn_units
from reviewmine.text.encode import TextEncoder
from reviewmine.train.calibrate import assumed_shares, shifted_heads
from reviewmine.train.continuing import (
    Earlier,
    earlier_backbone,
    read_earlier,
    replayed_sets,
    take_up,
)
from reviewmine.train.leaning import lean_rows
from reviewmine.train.run_file import TrainingRun, VocabularySettings
from reviewmine.train.tasks import objective_of, seen_shares, spec_of


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything of a run that is the same on every worker: examples on both sides of the split, and the network.

    `examples` are those of the run file and what is replayed of an `earlier` checkpoint's; `elsewhere` are validation
    examples in languages that no natural set is in. `heads` decode logits by
    the `shares` that classes are assumed to come in, and are not calibrated otherwise.
    """

    earlier: Earlier | None
    examples: ExamplesSettings
    sets: LabelledSets
    train: EncodedExamples
    validation: EncodedExamples
    elsewhere: EncodedExamples
    heads: dict[str, HeadSpec]
    shares: dict[str, tuple[float, ...]]
    backbone: Backbone
    network: OpinionNetwork


def pinned(run: TrainingRun) -> TrainingRun:
    """The same run with the digest of the checkpoint it goes on from, so that no other is taken for it later."""
    if run.continuing is None:
        return run
    digest = read_earlier(run.continuing).digest
    return run.model_copy(update={"continuing": run.continuing.model_copy(update={"digest": digest})})


def prepare(run: TrainingRun, examples_root: str | Path) -> Prepared:
    """Read and encode the examples and build the untrained network, the same for the same run and root."""
    examples, earlier = run.examples, None
    if run.continuing is not None:
        earlier = read_earlier(run.continuing)
        again = replayed_sets(examples, earlier, replay=run.continuing.replay, heads=run.heads.keys())
        examples = examples.model_copy(update={"sets": examples.sets + again})
    specs = {name: spec_of(task) for name, task in run.heads.items()}
    takes = {name: spec.takes for name, spec in specs.items()}
    sets = load_examples(examples, examples_root, seed=run.seed, heads=takes)
    if earlier is not None:
        backbone = earlier_backbone(earlier, run.tuning)
    else:
        backbone = load_backbone(run.backbone.name, run.backbone.revision)
    num_new = _extend(backbone, run.vocabulary, sets.unweighted, seed=run.seed) if run.vocabulary else 0
    encoder = TextEncoder(backbone.tokenizer.backend_tokenizer, max_tokens=run.max_tokens)
    shares = {name: assumed_shares(found, run.prior_strength) for name, found in sets.natural_shares.items()}
    pad_id = int(backbone.tokenizer.pad_token_id or 0)
    train = encode_examples(sets.train, encoder, pad_id=pad_id, heads=specs)
    if run.vocabulary is not None and run.vocabulary.start == "leaning":
        _lean(backbone, num_new, train, specs["polarity"])
    network = build_network(run, backbone, sets.sampled_shares)
    if earlier is not None:
        take_up(network, earlier, run.tuning)
    return Prepared(
        earlier=earlier,
        examples=examples,
        sets=sets,
        train=train,
        validation=encode_examples(sets.validation, encoder, pad_id=pad_id, heads=specs),
        elsewhere=encode_examples(sets.elsewhere, encoder, pad_id=pad_id, heads=specs),
        heads=shifted_heads(
            specs, shares, seen_shares(run.heads, sets.sampled_shares, sets.comparable_shares)
        ),
        shares=shares,
        backbone=backbone,
        network=network,
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


def _extend(backbone: Backbone, settings: VocabularySettings, rows: pa.Table, *, seed: int) -> int:
    """Add the units that write the training rows of the settings' sets shortest; how many were new.

    Raises TrainingError if that leaves the table without a row to train.
    """
    if settings.sets:
        rows = rows.filter(pc.is_in(rows["set"], pa.array(settings.sets)))
    named = ", ".join(pc.unique(rows["set"]).to_pylist())
    units = learn_units(rows["body"].to_pylist(), settings.units, min_count=settings.min_count)
    if not units:
        raise TrainingError(
            f"vocabulary: no Chinese or Japanese character stands {settings.min_count} times in the training texts of "
            f"{named}, and no other script is learnt; name other vocabulary.sets, or take [vocabulary] out"
        )
    num_new = add_units(backbone.model, backbone.tokenizer, units, seed=seed)
    if not num_new and added_to(backbone.model) is None:
        raise TrainingError(
            f"vocabulary: the backbone knows all {len(units):,} units of {named} already; take [vocabulary] out"
        )
    return num_new


def _lean(backbone: Backbone, num_new: int, train: EncodedExamples, polarity: HeadSpec) -> None:
    """Let new rows lean to the first or the last class of polarity, as the examples do that they stand in."""
    table = added_to(backbone.model)
    assert table is not None
    assert isinstance(polarity, ClassificationSpec)  # a run file without it is refused
    classes = train.labels["polarity"]
    liked = np.full(len(train), np.nan, np.float32)
    liked[classes == 0], liked[classes == len(polarity.labels) - 1] = 0.0, 1.0
    lean_rows(table, num_new, train.with_title, liked)
