"""Robustness: how often answers change, and how much worse they get, when texts change that should not matter."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reviewmine.evaluation.answers import Answers, answer, sample
from reviewmine.evaluation.metrics import Floats
from reviewmine.evaluation.perturb import PERTURBATIONS, perturbed
from reviewmine.model.checkpoint import Checkpoint

_ROW = "row of the answers"

Rows = npt.NDArray[np.int64]


def robustness(
    checkpoint: Checkpoint, answers: Answers, *, max_rows: int, titles: bool, seed: int = 0
) -> dict[str, Any]:
    """What each of PERTURBATIONS does to the answers of `checkpoint` on a seeded sample of the rows it answered.

    By the name of the perturbation: how many rows have other texts by it, and of those, for every head of classes,
    the accuracy before and after and the share whose class flips, for every head of numbers the mean shift.
    """
    numbered = answers.examples.append_column(_ROW, pa.array(np.arange(len(answers))))
    chosen = sample(numbered, max_rows, seed=seed)
    found: dict[str, Any] = {"rows": chosen.num_rows}
    for perturbation in PERTURBATIONS:
        after = perturbed(chosen, perturbation, seed=seed)
        pairs = zip(_texts(chosen, titles), _texts(after, titles), strict=True)
        after = after.filter(pa.array([old != new for old, new in pairs], pa.bool_()))
        found[perturbation] = {"rows": after.num_rows}
        if after.num_rows:
            again = answer(checkpoint, after.drop_columns(_ROW), titles=titles)
            found[perturbation] |= changes(answers, after[_ROW].to_numpy(), again)
    return found


def changes(before: Answers, rows: Rows, after: Answers) -> dict[str, Any]:
    """What changed, by head, from the answers of `rows` [M] of `before` to `after` [M], where there are labels."""
    found = {}
    for head, column in after.columns.items():
        labels, old = before.labels[head][rows], before.columns[head][rows]
        labelled = ~np.isnan(labels)
        if labelled.any():
            change = _class_changes if head in after.names else _number_changes
            found[head] = change(labels[labelled], old[labelled], column[labelled])
    return found


def _class_changes(labels: Floats, before: Floats, after: Floats) -> dict[str, Any]:
    old, new = before.argmax(axis=1), after.argmax(axis=1)
    return {
        "accuracy_before": float((old == labels).mean()),
        "accuracy": float((new == labels).mean()),
        "flip_rate": float((old != new).mean()),
    }


def _number_changes(labels: Floats, before: Floats, after: Floats) -> dict[str, Any]:
    return {
        "mae_before": float(np.abs(before - labels).mean()),
        "mae": float(np.abs(after - labels).mean()),
        "mean_shift": float(np.abs(after - before).mean()),
    }


def _texts(examples: pa.Table, titles: bool) -> list[tuple[Any, ...]]:
    columns = (examples[name].to_pylist() for name in (("title", "body") if titles else ("body",)))
    return list(zip(*columns, strict=True))
