"""Poison: finding the rows that crash the model by halving a fragment until each stands alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from reviewmine.backfill.work import Outcome, Task
from reviewmine.store.fragment import Fragment

Execute = Callable[[Sequence[Task]], Iterator[Outcome]]


def isolate(execute: Execute, poisoned: Iterable[Task]) -> list[Task]:
    """The fragments of `poisoned` once more, with the rows named that crash the model by themselves.

    Each round probes both halves of every range that crashed, so a fragment of n rows takes log2(n) rounds however
    many fragments there are. A range of which both halves go well was not poison: its workers died of something
    else, and none of its rows is named.
    """
    ranges = list(poisoned)
    failed: dict[Fragment, set[int]] = defaultdict(set)
    for task in ranges:
        failed[task.fragment].update(task.failed_rows)
    while ranges:
        probes = [half for task in ranges for half in _halves(task)]
        for task in ranges:
            first, end = task.span
            if end - first == 1:
                failed[task.fragment].add(first)
        ranges = [outcome.task for outcome in execute(probes) if outcome.kind == "poisoned"] if probes else []
    return [Task(fragment=fragment, failed_rows=tuple(sorted(rows))) for fragment, rows in failed.items()]


def _halves(task: Task) -> list[Task]:
    first, end = task.span
    if end - first == 1:
        return []
    middle = (first + end) // 2
    return [task.model_copy(update={"probe": half}) for half in ((first, middle), (middle, end))]
