"""Room: how many actors a run has, what a cluster must have for them, and how long that is waited for."""

import logging
import os
import time
from collections.abc import Mapping

import ray

from reviewmine.backfill.settings import PoolSettings
from reviewmine.distributed.session import CPUS_BESIDE_MODELS
from reviewmine.errors import ReviewmineError, UsageError

_log = logging.getLogger(__name__)
_POLL_S = 2.0
CPUS_OF_A_TASK = 0.5
"""Of a task that reads, and of one that writes; unlike an actor's, or Ray would fuse them with the actors."""


class Room:
    """What the actors of one pool need of the Ray that is up."""

    def __init__(self, pool: PoolSettings, *, timeout_s: int) -> None:
        """`timeout_s` is how long a cluster may take to have room for the actors, and then they to start."""
        self._pool = pool
        self.timeout_s = timeout_s

    def num_actors(self) -> int:
        """How many actors there will be for as many fragments or more."""
        if self._pool.num_actors:
            return self._pool.num_actors
        resources = ray.cluster_resources()
        if self.uses_gpus():
            return max(1, int(resources.get("GPU", 0)))
        spare = resources.get("CPU", 1) - CPUS_BESIDE_MODELS
        return max(1, int(spare) // self._pool.num_cpus_per_actor)

    def uses_gpus(self) -> bool:
        """Whether each actor has a GPU."""
        device = self._pool.device
        return device == "cuda" or (device == "auto" and ray.cluster_resources().get("GPU", 0) > 0)

    def wait(self, num_tasks: int) -> tuple[int, int]:
        """How many actors there are to be for so many tasks, and the GPUs of each.

        A cluster whose nodes are away for the moment is waited for; what other jobs hold of it is not looked at.

        Raises UsageError where this machine's own Ray has no room for the actors and to read and write beside them, and
        ReviewmineError where a cluster has none in time, which a retry may find.
        """
        give_up_at = time.monotonic() + self.timeout_s
        is_waiting = False
        while True:
            num_gpus = 1 if self.uses_gpus() else 0
            num_actors = min(self.num_actors(), num_tasks)
            needed, found = self._needed(num_actors, num_gpus), ray.cluster_resources()
            if _has(found, needed):
                return num_actors, num_gpus
            lack = (
                f"the cluster has {_said(found)}; expected at least {_said(needed)} for {num_actors} actors, reading "
                "and writing; lower num_actors or num_cpus_per_actor under [pool]"
            )
            if not os.environ.get("RAY_ADDRESS"):
                raise UsageError(lack)
            if time.monotonic() >= give_up_at:
                raise ReviewmineError(f"{lack}, or bring its missing nodes back")
            if not is_waiting:
                _log.warning("%s; waiting for nodes, %d s at most", lack, self.timeout_s)
                is_waiting = True
            time.sleep(min(_POLL_S, max(0.0, give_up_at - time.monotonic())))

    def not_started(self, num_actors: int, num_gpus: int, free: Mapping[str, float]) -> ReviewmineError:
        """What is to be said when the time to start is over; `free` is what the cluster had left before."""
        needed = self._needed(num_actors, num_gpus)
        fix = (
            "their workers' logs tell what kept them"
            if _has(free, needed)
            else "another job holds the others: wait until it has ended, or lower num_actors under [pool]"
        )
        return ReviewmineError(
            f"the {num_actors} actors have not all started within {self.timeout_s} s: the cluster has "
            f"{_said(ray.cluster_resources())}, of which {_said(free)} were free; expected {_said(needed)}; {fix}"
        )

    def _needed(self, num_actors: int, num_gpus: int) -> dict[str, float]:
        num_cpus = num_actors * self._pool.num_cpus_per_actor + 2 * CPUS_OF_A_TASK
        return {"CPU": num_cpus, "GPU": num_actors * num_gpus}


def _has(resources: Mapping[str, float], needed: Mapping[str, float]) -> bool:
    return all(resources.get(name, 0) >= amount for name, amount in needed.items())


def _said(resources: Mapping[str, float]) -> str:
    return f"{resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs"
