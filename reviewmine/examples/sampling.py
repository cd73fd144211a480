"""Sampling: how many rows of each set and each class a run reads, and how often."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.sets import ExampleSet


def sampled(
    table: pa.Table,
    sets: Sequence[ExampleSet],
    heads: Mapping[str, HeadLabels],
    rng: np.random.Generator,
    *,
    balance: float,
    share: float,
) -> pa.Table:
    """At most `rows * share` rows of each set, its classes balanced; rows without a class are a class of their own.

    The classes of a set are those of the first head of words that it labels.
    """
    names = np.array(table["set"].to_pylist())
    taken: list[npt.NDArray[np.int64]] = []
    for one in sets:
        rows = np.flatnonzero(names == one.name)
        members = _by_class(rows, table, one, heads)
        available = np.array([len(some) for some in members], dtype=np.int64)
        wanted = int(available.sum()) if one.rows is None else round(one.rows * share)
        quotas = available if one.rows is None else balanced_quotas(available, wanted, balance)
        taken += [rng.permutation(some)[:quota] for some, quota in zip(members, quotas, strict=True)]
    return table.take(pa.array(np.sort(np.concatenate(taken)), pa.int64()))


def read_by_weight(table: pa.Table, sets: Sequence[ExampleSet], rng: np.random.Generator) -> pa.Table:
    """Each row as often as its set's weight says; what is left of a whole number goes to rows drawn at random."""
    names = np.array(table["set"].to_pylist())
    taken: list[npt.NDArray[np.int64]] = []
    for one in sets:
        rows = np.flatnonzero(names == one.name)
        times, rest = divmod(one.weight, 1)
        taken += [np.repeat(rows, int(times))]
        if rest:
            taken += [rng.permutation(rows)[: round(rest * len(rows))]]
    return table.take(pa.array(np.sort(np.concatenate(taken)), pa.int64()))


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


def _by_class(
    rows: npt.NDArray[np.int64], table: pa.Table, one: ExampleSet, heads: Mapping[str, HeadLabels]
) -> list[npt.NDArray[np.int64]]:
    """`rows` of a set apart by class, those without one last; all together where the set has no classes."""
    balanced = [name for name, takes in heads.items() if takes.kind == "one" and one.labels_head(name)]
    if not balanced:
        return [rows]
    labels = np.array([label or "" for label in table[balanced[0]].take(pa.array(rows)).to_pylist()])
    return [rows[labels == label] for label in (*heads[balanced[0]].labels, "")]
