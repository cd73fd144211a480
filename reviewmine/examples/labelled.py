"""The examples of a run: all its sets, rid of duplicates, split by text, and sampled towards balanced classes.

A text belongs to one side of the split for ever: its side is decided by a hash of its normalised words, or by a column
of its set, and copies of a review, in one set or across sets, never straddle it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.contract.examples import HELD_OUT_FIELD, OPINION_LABELS
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.errors import TrainingError
from reviewmine.examples.census import census_lines, class_shares, require_labels, require_rows
from reviewmine.examples.duplicates import without_duplicates
from reviewmine.examples.joining import joined
from reviewmine.examples.natural import is_like_natural, natural_shares, parted
from reviewmine.examples.noise import noisy, varied
from reviewmine.examples.sampling import read_by_weight, sampled
from reviewmine.examples.sets import ExampleSet, normalised, read_set
from reviewmine.model.spec import Spec


class ExamplesSettings(RunModel):
    """The sets of a run, and how they are split and sampled."""

    sets: tuple[ExampleSet, ...] = Field(min_length=1)
    validation_share: float = Field(default=0.08, gt=0, lt=0.5)
    balance: float = Field(default=0.7, ge=0, le=1)
    """0 keeps the class shares of each set, 1 draws as many of each class as there are."""
    title_drop: float = Field(default=0.3, ge=0, le=1)
    """The share of examples whose title is left out in an epoch, so that bare bodies are read as well."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """The share of training bodies that get slips of the keyboard; validation stays as it was written."""
    emoji: float = Field(default=0.0, ge=0, le=1)
    """The share of training bodies that get an emoji without a mood."""
    word_drop: float = Field(default=0.0, ge=0, le=1)
    """The share of training bodies that lose one in ten of their words, never those that turn an opinion round."""


@dataclass(frozen=True, kw_only=True)
class LabelledSets:
    """Examples ready to encode, both sides of the split, and what was found on the way.

    `natural_shares` are known for the heads of classes that a natural set labels, `sampled_shares` for all of them.
    `comparable_shares` are the sampled ones among rows in the languages of those natural sets: what the network takes
    for common in a text it reads, since it sees the language. For the same reason the labels that validation rows in
    other languages have of such heads stand apart, `elsewhere`: see examples.natural. `census` is for people to read.
    `unweighted` are the training rows each once, as they were before slips and the like.
    """

    train: pa.Table
    unweighted: pa.Table
    validation: pa.Table
    elsewhere: pa.Table
    natural_shares: dict[str, tuple[float, ...]]
    sampled_shares: dict[str, tuple[float, ...]]
    comparable_shares: dict[str, tuple[float, ...]]
    num_copies: int
    num_conflicts: dict[str, int]
    census: list[str]


def load_examples(
    settings: ExamplesSettings,
    root: str | Path,
    *,
    seed: int,
    heads: Mapping[str, HeadLabels] = OPINION_LABELS,
) -> LabelledSets:
    """All sets of `settings` under `root`, filtered, deduplicated, split and sampled, the same for the same seed.

    What is made of texts, joining and slips, is made of training texts after the split: validation rows stay as
    they were written, and which they are depends on the seed and the share alone.

    Raises TrainingError for a set that is not there, for an empty side of the split, and for a head or a label of one
    that no example has.
    """
    tables = [read_set(one, root, heads) for one in settings.sets]
    distinct = without_duplicates(pa.concat_tables(tables), heads)
    validating = _held_out(distinct.examples, settings.validation_share)
    train = distinct.examples.filter(pa.array(~validating))
    validation = distinct.examples.filter(pa.array(validating))
    require_rows({"training": train, "validation": validation})
    natural = natural_shares(train, settings.sets, heads)
    joining, sampling, slipping, validating_rows, weighing, changing = (
        np.random.default_rng([seed, n]) for n in range(6)
    )
    train = _with_joined_sets(train, settings.sets, joining)
    train = sampled(train, settings.sets, heads, sampling, balance=settings.balance, share=1.0)
    unweighted = train
    train = read_by_weight(unweighted, settings.sets, weighing)
    bodies = pa.array(_augmented(train, heads, settings, slipping, changing), pa.string())
    train = train.set_column(train.schema.get_field_index("body"), "body", bodies)
    validation = sampled(
        validation, settings.sets, heads, validating_rows, balance=0.0, share=settings.validation_share
    )
    sides = {"training": train, "validation": validation}
    require_labels(sides, heads)
    of_classes = {name: takes for name, takes in heads.items() if takes.kind == "one"}
    validation, elsewhere = parted(validation, settings.sets, heads)
    return LabelledSets(
        train=train,
        unweighted=unweighted,
        validation=validation,
        elsewhere=elsewhere,
        natural_shares=natural,
        sampled_shares={name: class_shares(train, name, takes) for name, takes in of_classes.items()},
        comparable_shares={
            name: class_shares(train.filter(is_like_natural(train, settings.sets, name)), name, takes)
            for name, takes in of_classes.items()
        },
        num_copies=distinct.num_copies,
        num_conflicts=distinct.num_conflicts,
        census=census_lines(
            sides,
            heads,
            num_copies=distinct.num_copies,
            num_conflicts=distinct.num_conflicts,
            natural_shares=natural,
        ),
    )


def only_held_out(examples: pa.Table, spec: Spec) -> pa.Table:
    """The rows whose text the training run of the checkpoint with this spec did not train on, by its hash.

    Raises TrainingError if the spec does not say how it split its examples, or if the text alone cannot tell.
    """
    ran = spec.training.run.get("examples", {})
    share = ran.get("validation_share")
    if share is None:
        raise TrainingError(f"{spec.name}: its spec does not say which share of examples it held out")
    sets = [*ran.get("sets", ()), *spec.training.replayed_sets, *spec.training.unread_sets]
    by_column = [one["name"] for one in sets if one.get("split")]
    if by_column:
        raise TrainingError(
            f"{spec.name}: {', '.join(by_column)} was split by a column of its own, so a text does not tell whether it "
            "was held out; evaluate on rows that were in none of its sets"
        )
    return examples.filter(pa.array(in_validation(examples["body"].to_pylist(), share)))


def in_validation(bodies: Sequence[str | None], share: float) -> npt.NDArray[np.bool_]:
    """Which texts belong to validation: those whose hash, read as a number in [0, 1), lies below `share`."""
    hashes = (hashlib.sha256(normalised(body or "").encode()).digest()[:8] for body in bodies)
    return np.array([int.from_bytes(digest, "big") / 2**64 < share for digest in hashes], dtype=np.bool_)


def _held_out(examples: pa.Table, share: float) -> npt.NDArray[np.bool_]:
    """Which examples are for validation: what their set says, or else the hash of their text."""
    said = examples[HELD_OUT_FIELD.name].to_pylist()
    hashed = in_validation(examples["body"].to_pylist(), share)
    return np.array(
        [by_hash if side is None else side for side, by_hash in zip(said, hashed, strict=True)], bool
    )


def _with_joined_sets(train: pa.Table, sets: Sequence[ExampleSet], rng: np.random.Generator) -> pa.Table:
    """`train` with the reviews of the sets that ask for it joined into longer ones."""
    parts = []
    for one in sets:
        part = train.filter(pc.equal(train["set"], one.name))
        parts.append(part if one.join_words is None else joined(part, one.join_words, rng))
    return pa.concat_tables(parts)


def _augmented(
    train: pa.Table,
    heads: Mapping[str, HeadLabels],
    settings: ExamplesSettings,
    slipping: np.random.Generator,
    changing: np.random.Generator,
) -> list[str]:
    """The bodies of `train` with slips, pictures and words left out; not of rows with spans, which would shift."""
    bodies: list[str] = train["body"].to_pylist()
    slipped = noisy(bodies, settings.noise, slipping)
    changed = varied(slipped, emoji=settings.emoji, word_drop=settings.word_drop, rng=changing)
    spans = [train[name].is_valid().to_pylist() for name, takes in heads.items() if takes.kind == "spans"]
    kept = [any(some) for some in zip(*spans, strict=True)] if spans else [False] * len(bodies)
    return [body if keep else new for body, new, keep in zip(bodies, changed, kept, strict=True)]
