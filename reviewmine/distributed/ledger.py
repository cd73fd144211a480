"""The ledger of deaths: how often a worker died on a task, which nobody but a survivor can tell."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

MAX_DEATHS = 2


class _Ledger:
    """The actor: counts, and nothing else."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, work: str) -> int:
        """How many workers began this work before and never ended it."""
        deaths = self._begun[work]
        self._begun[work] += 1
        return deaths

    def end(self, work: str) -> None:
        del self._begun[work]


class Ledger:
    """A handle to one run's ledger, to be passed to its workers.

    Ray starts a dead worker and its work again without an end; a worker that looks here first gives work up that
    has killed two before it.

    It lives on the driver's node, so that it is not lost with one that only works; where its own worker dies, it starts
    again and has forgotten: work that kills is then given up later, and nothing else is changed.
    """

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(
            _Ledger
        ).remote()

    @contextmanager
    def working_on(self, work: str, *, max_deaths: int = MAX_DEATHS) -> Iterator[bool]:
        """Whether `work` may be begun: false when it has killed `max_deaths` workers."""
        deaths = ray.get(self._actor.begin.remote(work))
        try:
            yield deaths < max_deaths
        finally:
            ray.get(self._actor.end.remote(work))
