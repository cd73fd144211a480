"""Continuing: a run that takes up the weights and heads of an earlier checkpoint, and some of what it learnt from.

The network starts exactly where the earlier one stood. What it forgets on the way is told: rows of the earlier run that
neither of the two trained on are read by both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pydantic
from pydantic import Field
from safetensors.torch import load_file

from reviewmine.checkpoints import local_checkpoint
from reviewmine.config import RunModel
from reviewmine.errors import CheckpointError, ConfigError, TrainingError
from reviewmine.evaluation.judge import judge, predict
from reviewmine.examples.encoded import encode_examples
from reviewmine.examples.labelled import ExamplesSettings, LabelledSets, load_examples
from reviewmine.examples.sets import ExampleSet
from reviewmine.model import adapter
from reviewmine.model.backbone import Backbone, load_tokenizer
from reviewmine.model.checkpoint import HEADS_FILE, Checkpoint, bare_encoder, load_checkpoint
from reviewmine.model.head_specs import HeadSpec, require_same_heads
from reviewmine.model.inspect import inspect_checkpoint
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import Spec
from reviewmine.model.tuning_spec import Tuning, adapter_of


class Continuing(RunModel):
    """The checkpoint that a run goes on from."""

    checkpoint: str
    """'builtin', the path of a checkpoint, or s3://.../DIGEST."""
    digest: str | None = None
    """Refuse any other checkpoint than the one with this digest."""
    replay: float = Field(default=0.2, ge=0, le=1)
    """The share of the rows it was trained on that is read again, set by set; with 0 its sets need not be there."""


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier checkpoint, verified, and how the examples of its run, and of those before it, were split."""

    directory: Path
    spec: Spec
    digest: str
    examples: ExamplesSettings
    seed: int

    def goes_on_with_adapter(self, tuning: Tuning) -> bool:
        """Whether a run tuned so trains this adapter itself, or both have none; else a new one is put on top."""
        return self.spec.adapter == adapter_of(tuning)


def read_earlier(choice: Continuing) -> Earlier:
    """The checkpoint that `choice` names. Raises CheckpointError for one that no run can go on from."""
    directory = local_checkpoint(choice.checkpoint, expected_digest=choice.digest)
    spec, digest = inspect_checkpoint(directory, expected_digest=choice.digest)
    ran: dict[str, Any] = spec.training.run
    try:
        examples = ExamplesSettings.model_validate(ran.get("examples"))
        others = (*spec.training.replayed_sets, *spec.training.unread_sets)
        learnt_before = tuple(ExampleSet.model_validate(one) for one in others)
    except pydantic.ValidationError as unknown:
        where = ".".join(str(part) for part in unknown.errors()[0]["loc"]) or "examples"
        raise CheckpointError(
            f"{choice.checkpoint}: its spec does not say which examples it was trained on ({where}: "
            f"{unknown.errors()[0]['msg']}), so nothing can be replayed and nothing forgotten can be found out"
        ) from None
    return Earlier(
        directory=directory,
        spec=spec,
        digest=digest,
        examples=examples.model_copy(update={"sets": examples.sets + learnt_before}),
        seed=int(ran.get("seed", 7)),
    )


def earlier_backbone(earlier: Earlier, tuning: Tuning) -> Backbone:
    """The encoder of `earlier` with its tokenizer; its adapter is folded in, unless the run goes on training it.

    Raises CheckpointError for an adapter that can be neither.
    """
    encoder = bare_encoder(earlier.spec, earlier.directory)
    added = earlier.spec.adapter
    if added is not None and not earlier.goes_on_with_adapter(tuning):
        if not adapter.is_mergeable(added):
            raise CheckpointError(
                f"{earlier.directory}: its {added.kind} adapter cannot be folded into weights; "
                "give [tuning] as it was trained with"
            )
        encoder = adapter.load(encoder, added, earlier.directory)
    return Backbone(
        model=encoder,
        tokenizer=load_tokenizer(earlier.directory),
        width=int(encoder.config.hidden_size),
        sha256=earlier.spec.backbone.sha256 or "",
    )


def take_up(network: OpinionNetwork, earlier: Earlier, tuning: Tuning) -> None:
    """Give `network`, whose backbone is `earlier_backbone`, the adapter and the heads of `earlier`.

    Heads that only one of the two has stay as they are. Raises CheckpointError if one of both has another kind, other
    labels, or reads another vector.
    """
    if earlier.spec.adapter is not None and earlier.goes_on_with_adapter(tuning):
        adapter.restore(network.backbone, earlier.directory)
    wanted = {name: head.spec for name, head in network.heads.items()}
    pooling = (earlier.spec.pooling, network.pooling)
    require_same_heads(earlier.spec.heads, wanted, pooling=pooling, where=str(earlier.directory))
    for name, tensor in load_file(earlier.directory / HEADS_FILE).items():
        if (head := name.split(".", 1)[0]) in wanted:
            own = network.heads[head].get_parameter(name.split(".", 1)[1])
            own.data.copy_(tensor)


def replayed_sets(
    examples: ExamplesSettings, earlier: Earlier, *, replay: float, heads: Collection[str]
) -> tuple[ExampleSet, ...]:
    """The sets of the earlier run that are not among `examples`, each read `replay` times as often as it was then.

    The validation rows of a set that has no `rows` are all there. Of the labels those of `heads` are read.

    Which texts are for validation depends on their hash and the share alone, or on the column of a set: no row that
    the earlier run trained on becomes a validation row. Raises ConfigError if `examples` holds out more than it did, or
    splits one of its sets otherwise. A text that stands in two sets of which one has a column is for the run file to
    keep on one side.
    """
    if examples.validation_share > earlier.examples.validation_share:
        raise ConfigError(
            f"examples.validation_share {examples.validation_share:g} is more than the "
            f"{earlier.examples.validation_share:g} of the checkpoint to go on from: rows it learnt from would count "
            "as held out; lower it"
        )
    for one in examples.sets:
        _refuse_another_split(one, earlier)
    named = {one.name for one in examples.sets}
    if not replay:
        return ()
    return tuple(
        _labelling(one, heads).model_copy(update={"weight": one.weight * replay})
        for one in earlier.examples.sets
        if one.name not in named
    )


def _refuse_another_split(one: ExampleSet, earlier: Earlier) -> None:
    for known in earlier.examples.sets:
        if (one.name == known.name or one.path == known.path) and one.split != known.split:
            split = (
                "by the hash of its texts" if known.split is None else f"by its column '{known.split.column}'"
            )
            raise ConfigError(
                f"examples.sets {one.name}: the checkpoint to go on from split it {split}: rows it learnt from would "
                "count as held out; split it as it was"
            )


def _labelling(one: ExampleSet, heads: Collection[str]) -> ExampleSet:
    """The set without the labels of other heads than `heads`."""
    kept = {head: column for head, column in one.labels.items() if head in heads}
    return one.model_copy(update={"labels": kept})


def held_out_by_both(
    earlier: Earlier, examples_root: str | Path, *, validation_share: float, heads: Collection[str]
) -> LabelledSets:
    """The examples of `earlier` with those rows for validation that a run of this share does not train on either.

    Raises TrainingError or ContractError if they are not there any more, or nothing of them can be judged.
    """
    takes = {name: head.takes for name, head in earlier.spec.heads.items() if name in heads}
    if not takes:
        raise TrainingError("the run file has none of its heads")
    sets = tuple(_labelling(one, takes) for one in earlier.examples.sets)
    settings = earlier.examples.model_copy(update={"sets": sets, "validation_share": validation_share})
    return load_examples(settings, examples_root, seed=earlier.seed, heads=takes)


def forgetting(earlier: Earlier, directory: Path, held_out: LabelledSets) -> dict[str, Any]:
    """What `earlier` and the checkpoint in `directory` make of the rows that both hold out, other languages apart."""
    before, after = load_checkpoint(earlier.directory), load_checkpoint(directory)
    heads = [name for name in before.spec.heads if name in after.spec.heads]
    sides = {
        "": (held_out.validation, held_out.natural_shares),
        "_elsewhere": (held_out.elsewhere, {}),
    }

    def judged(checkpoint: Checkpoint, examples: pa.Table, shares: Mapping[str, Sequence[float]]) -> Any:
        told: dict[str, HeadSpec] = {name: checkpoint.spec.heads[name] for name in heads}
        rows = encode_examples(examples, checkpoint.encoder, pad_id=checkpoint.pad_id, heads=told)
        return judge(predict(checkpoint.network, rows), rows.labels, told, shares)

    return {
        f"earlier_validation_{when}{side}": judged(checkpoint, examples, shares)
        for side, (examples, shares) in sides.items()
        for when, checkpoint in (("before", before), ("after", after))
        if examples.num_rows
    }
