"""The examples of a run: all its sets, rid of duplicates, split by text, and sampled towards balanced classes.

A text belongs to one side of the split for ever: its side is decided by a hash of its normalised words, so
copies of a review, in one set or across sets, never straddle it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.errors import TrainingError
from reviewmine.examples.joining import joined
from reviewmine.examples.noise import noisy, varied
from reviewmine.examples.sets import ExampleSet, normalised, read_set
from reviewmine.labels import POLARITIES
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
    """Examples ready to encode (EXAMPLES_SCHEMA and `set`), both sides of the split, and what was found on the way."""

    train: pa.Table
    validation: pa.Table
    natural_shares: tuple[float, ...]
    sampled_shares: tuple[float, ...]
    num_duplicates: int
    num_conflicts: int


def load_examples(settings: ExamplesSettings, root: Path, *, seed: int) -> LabelledSets:
    """All sets of `settings` under `root`, filtered, deduplicated, split and sampled, the same for the same seed.

    What is made of texts, joining and slips, is made of training texts after the split: validation rows stay as
    they were written, and which they are depends on the seed and the share alone.

    Raises TrainingError for a set that is not there or leaves one side of the split empty.
    """
    tables = [read_set(one, root) for one in settings.sets]
    everything, num_duplicates, num_conflicts = without_duplicates(pa.concat_tables(tables))
    validating = in_validation(everything["body"].to_pylist(), settings.validation_share)
    train = everything.filter(pa.array(~validating))
    validation = everything.filter(pa.array(validating))
    natural = natural_shares(train, settings.sets)
    joining, sampling, slipping, validating_rows = (np.random.default_rng([seed, n]) for n in range(4))
    train = _with_joined_sets(train, settings.sets, joining)
    train = _sample_sets(train, settings.sets, sampling, balance=settings.balance, share=1.0)
    bodies = noisy(train["body"].to_pylist(), settings.noise, slipping)
    changing = np.random.default_rng([seed, 5])
    bodies = varied(bodies, emoji=settings.emoji, word_drop=settings.word_drop, rng=changing)
    train = train.set_column(train.schema.get_field_index("body"), "body", pa.array(bodies, pa.string()))
    validation = _sample_sets(
        validation, settings.sets, validating_rows, balance=0.0, share=settings.validation_share
    )
    for side, rows in (("training", train), ("validation", validation)):
        if not rows.num_rows:
            raise TrainingError(
                f"examples: the {side} side of the split is empty; add rows or change the share"
            )
    return LabelledSets(
        train=train,
        validation=validation,
        natural_shares=natural,
        sampled_shares=polarity_shares(train),
        num_duplicates=num_duplicates,
        num_conflicts=num_conflicts,
    )


def only_held_out(examples: pa.Table, spec: Spec) -> pa.Table:
    """The rows whose text the training run of the checkpoint with this spec did not train on, by its hash.

    Raises TrainingError if the spec does not say how it split its examples.
    """
    share = spec.training.run.get("examples", {}).get("validation_share")
    if share is None:
        raise TrainingError(f"{spec.name}: its spec does not say which share of examples it held out")
    return examples.filter(pa.array(in_validation(examples["body"].to_pylist(), share)))


def _with_joined_sets(train: pa.Table, sets: Sequence[ExampleSet], rng: np.random.Generator) -> pa.Table:
    """`train` with the reviews of the sets that ask for it joined into longer ones."""
    parts = []
    for one in sets:
        part = train.filter(pc.equal(train["set"], one.name))
        parts.append(part if one.join_words is None else joined(part, one.join_words, rng))
    return pa.concat_tables(parts)


def without_duplicates(table: pa.Table) -> tuple[pa.Table, int, int]:
    """`table` with one row per normalised body, and how many rows were copies and how many texts disagreed.

    Copies of a text that do not agree on its polarity teach nothing: none of them is kept.
    """
    first: dict[str, int] = {}
    polarities: dict[str, set[str]] = {}
    for row, (body, polarity) in enumerate(
        zip(table["body"].to_pylist(), table["polarity"].to_pylist(), strict=True)
    ):
        key = normalised(body)
        first.setdefault(key, row)
        if polarity is not None:
            polarities.setdefault(key, set()).add(polarity)
    disagreeing = {key for key, found in polarities.items() if len(found) > 1}
    kept = [row for key, row in first.items() if key and key not in disagreeing]
    return table.take(pa.array(kept, pa.int64())), table.num_rows - len(first), len(disagreeing)


def in_validation(bodies: Sequence[str], share: float) -> npt.NDArray[np.bool_]:
    """Which texts belong to validation: those whose hash, read as a number in [0, 1), lies below `share`."""
    hashes = (hashlib.sha256(normalised(body).encode()).digest()[:8] for body in bodies)
    return np.array([int.from_bytes(digest, "big") / 2**64 < share for digest in hashes], dtype=np.bool_)


def polarity_shares(table: pa.Table) -> tuple[float, ...]:
    """The share of each polarity, in the order of labels.POLARITIES, among the rows that have one."""
    counts = np.array(
        [pc.sum(pc.equal(table["polarity"], label)).as_py() or 0 for label in POLARITIES], float
    )
    if not counts.all():
        raise TrainingError(
            f"examples: {', '.join(f'{n:.0f} {p}' for n, p in zip(counts, POLARITIES, strict=True))}; "
            "expected some rows of every polarity"
        )
    return tuple(float(share) for share in counts / counts.sum())


def natural_shares(train: pa.Table, sets: Sequence[ExampleSet]) -> tuple[float, ...]:
    """The mean, over the sets marked natural, of the polarity shares of their training rows."""
    names = [one.name for one in sets if one.natural]
    if not names:
        raise TrainingError("examples.sets: no set is marked `natural`, so natural class shares are unknown")
    shares = [polarity_shares(train.filter(pc.equal(train["set"], name))) for name in names]
    return tuple(float(share) for share in np.mean(shares, axis=0))


def balanced_quotas(available: npt.NDArray[np.int64], rows: int, balance: float) -> npt.NDArray[np.int64]:
    """How many rows [C] to take of each class when `available` [C] are there and at most `rows` are wanted.

    Wanted shares are the natural ones to the power 1 - balance; what a class lacks, the others fill.
    """
    wanted = np.where(available > 0, available.astype(np.float64) ** (1 - balance), 0.0)
    low, high = 0.0, float(available.sum()) + 1.0
    for _ in range(64):
        scale = (low + high) / 2
        if np.minimum(available, scale * wanted).astype(np.int64).sum() <= rows:
            low = scale
        else:
            high = scale
    return np.minimum(available, low * wanted).astype(np.int64)


def _sample_sets(
    table: pa.Table, sets: Sequence[ExampleSet], rng: np.random.Generator, *, balance: float, share: float
) -> pa.Table:
    """At most `rows * share` rows of each set, its classes balanced (rows without polarity are a class)."""
    names = np.array(table["set"].to_pylist())
    classes = np.array([label or "" for label in table["polarity"].to_pylist()])
    taken: list[npt.NDArray[np.int64]] = []
    for one in sets:
        members = [np.flatnonzero((names == one.name) & (classes == label)) for label in (*POLARITIES, "")]
        available = np.array([len(rows) for rows in members], dtype=np.int64)
        wanted = int(available.sum()) if one.rows is None else round(one.rows * share)
        quotas = balanced_quotas(available, wanted, balance) if one.rows is not None else available
        taken += [rng.permutation(rows)[:quota] for rows, quota in zip(members, quotas, strict=True)]
    return table.take(pa.array(np.sort(np.concatenate(taken)), pa.int64()))
