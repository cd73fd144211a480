"""Poison: finding the rows that crash the model by cutting a fragment smaller until each stands alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from reviewmine.backfill.work import Outcome, Task
from reviewmine.store.fragment import Fragment

NUM_PIECES: Final = 16

Execute = Callable[[Sequence[Task]], Iterator[Outcome]]


def isolate(execute: Execute, poisoned: Iterable[Task]) -> list[Task]:
    """The fragments of `poisoned` once more, with the rows named that crash the model by themselves.

    Each round probes NUM_PIECES pieces of every range that crashed: a death costs more than a probe, so many
    pieces and few rounds. A range of which every piece goes well was not poison: its workers died of something
    else, and none of its rows is named.
    """
    whole = list(poisoned)
    ranges = whole
    failed: dict[Fragment, set[int]] = defaultdict(set)
    for task in whole:
        failed[task.fragment].update(task.failed_rows)
    while ranges:
        for task in ranges:
            first, end = task.span
            if end - first == 1:
                failed[task.fragment].add(first)
        probes = [piece for task in ranges for piece in _pieces(task)]
        ranges = [outcome.task for outcome in execute(probes) if outcome.kind == "poisoned"] if probes else []
    return [task.model_copy(update={"failed_rows": tuple(sorted(failed[task.fragment]))}) for task in whole]


def _pieces(task: Task) -> list[Task]:
    """The range of `task` in NUM_PIECES probes, or one for each row of a shorter one; none for a single row."""
    first, end = task.span
    if end - first == 1:
        return []
    num_pieces = min(NUM_PIECES, end - first)
    bounds = [first + (end - first) * i // num_pieces for i in range(num_pieces + 1)]
    return [task.model_copy(update={"probe": piece}) for piece in pairwise(bounds)]
