"""The census of a run's examples: which labels they have, by head, set and side of the split, told before training.

A label that is not there, or that nobody agrees on, is cheaper to find here than in a checkpoint.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.label_columns import HeadLabels
from reviewmine.errors import TrainingError

_COLUMNS = ("head", "set", "side", "rows", "labels")


def census_lines(
    sides: Mapping[str, pa.Table],
    heads: Mapping[str, HeadLabels],
    *,
    num_copies: int,
    num_conflicts: Mapping[str, int],
    natural_shares: Mapping[str, Sequence[float]],
) -> list[str]:
    """The labels of examples on both sides of the split as a table of text; what became of copies; what is unknown."""
    rows = [_COLUMNS]
    for head, takes in heads.items():
        for name in sorted(
            {name for table in sides.values() for name in pc.unique(table["set"]).to_pylist()}
        ):
            for side, table in sides.items():
                labels = table.filter(pc.equal(table["set"], name))[head].drop_null().to_pylist()
                if labels:
                    rows.append((head, name, side, f"{len(labels):,}", _distribution(labels, takes)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.append(f"copies of texts that were there before: {num_copies:,}, read once")
    lines += [
        f"texts whose copies disagree on {head}: {number:,}, left out with all their copies"
        for head, number in num_conflicts.items()
        if number
    ]
    lines += [
        f"{head}: no set that labels it is marked `natural`, so probabilities are not corrected to shares of an archive"
        for head, takes in heads.items()
        if takes.kind == "one" and head not in natural_shares
    ]
    return lines


def require_rows(sides: Mapping[str, pa.Table]) -> None:
    """Raise TrainingError if a side of the split is empty."""
    for side, table in sides.items():
        if not table.num_rows:
            raise TrainingError(
                f"examples: the {side} side of the split is empty; add rows, change examples.validation_share, "
                "or look at the words that the `split` of a set expects"
            )


def require_labels(sides: Mapping[str, pa.Table], heads: Mapping[str, HeadLabels]) -> None:
    """Raise TrainingError if a side of the split is empty, or lacks a head, or the first (training) a label of one."""
    require_rows(sides)
    for side, table in sides.items():
        for head in heads:
            if table[head].null_count == table.num_rows:
                raise TrainingError(
                    f"heads.{head}: none of the {table.num_rows} examples on the {side} side has a label of it; "
                    f"name its column under `labels` of a set, or take the head out of the run file"
                )
    training = next(iter(sides.values()))
    for head, takes in heads.items():
        counts = label_counts(training, head, takes)
        if missing := [label for label in takes.labels if not counts[label]]:
            told = ", ".join(f"{counts[label]} {label}" for label in takes.labels)
            raise TrainingError(
                f"examples: head '{head}': {told}; expected some rows of every label, {missing[0]} has none"
            )


def label_counts(table: pa.Table, head: str, takes: HeadLabels) -> Counter[str]:
    """How often each label of a head of words occurs in the rows of `table`."""
    labels = table[head].drop_null().to_pylist()
    return Counter(word for label in labels for word in _words(label, takes))


def class_shares(table: pa.Table, head: str, takes: HeadLabels) -> tuple[float, ...]:
    """The share of each class, in the order of the head's labels, among the rows that have one.

    Raises TrainingError if one has no row: nothing could be said of its share.
    """
    counts = label_counts(table, head, takes)
    found = np.array([counts[label] for label in takes.labels], float)
    if not found.all():
        told = ", ".join(f"{n:.0f} {label}" for n, label in zip(found, takes.labels, strict=True))
        raise TrainingError(f"examples: head '{head}': {told}; expected some rows of every class")
    return tuple(float(share) for share in found / found.sum())


def _words(label: Any, takes: HeadLabels) -> Sequence[str]:
    match takes.kind:
        case "one":
            return [label]
        case "several":
            return list(label)
        case "spans":
            return [span["label"] for span in label]
        case "number":
            return []


def _distribution(labels: Sequence[Any], takes: HeadLabels) -> str:
    if takes.kind == "number":
        low, middle, high = np.quantile(np.asarray(labels, float), [0.1, 0.5, 0.9])
        return f"mean {np.mean(labels):.2f}, a tenth below {low:.2f}, half below {middle:.2f}, a tenth above {high:.2f}"
    counts = Counter(word for label in labels for word in _words(label, takes))
    told = [f"{label} {counts[label]:,} ({counts[label] / len(labels):.0%})" for label in takes.labels]
    if takes.kind != "one":
        told.append(f"none {sum(not label for label in labels):,}")
    return ", ".join(told)
