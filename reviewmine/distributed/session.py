"""Sessions: a local Ray for this process, or the cluster that a job was submitted to."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import ray

CPUS_BESIDE_MODELS = 2
"""Logical processors for reading and writing, beside those that model actors take; a local Ray counts them on top."""

_PLACEMENT_GROUP_CLEANER: Final = "ray.train.v2._internal.execution.controller.placement_group_cleaner"


@contextmanager
def ray_session(*, workers_are_heard: bool = False) -> Iterator[None]:
    """Ray for the length of a `with`.

    A session that is up already is used and left up; RAY_ADDRESS, which a submitted job finds set, names a
    cluster to attach to; otherwise a Ray of this machine is started, and stopped at the end. What workers print
    is shown only if they are to be heard.
    """
    if ray.is_initialized():
        yield
        return
    on_stop = signal.getsignal(signal.SIGTERM)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": workers_are_heard}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        num_cpus = _num_cores() + CPUS_BESIDE_MODELS
        ray.init(
            address="local",
            num_cpus=num_cpus,
            include_dashboard=False,
            runtime_env={"worker_process_setup_hook": _hush_placement_groups} if workers_are_heard else None,
            **quiet,
        )
    if on_stop is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_stop)  # ray.init puts one of its own in place of the run's
    try:
        yield
    finally:
        ray.shutdown()


def _hush_placement_groups() -> None:
    """What cleans up behind Ray Train asks the dashboard each second, and warns as often where there is none.

    A Ray of this machine has none: it takes seconds to start, and what is left over goes with the Ray anyway.
    """
    logging.getLogger(_PLACEMENT_GROUP_CLEANER).setLevel(logging.ERROR)


def local_workers(num_cpus_per_actor: int) -> int:
    """How many actors a Ray of this machine has processors for; what GPUs it has only Ray can tell."""
    return max(1, _num_cores() // num_cpus_per_actor)


def _num_cores() -> int:
    """The cores that this process may use: what its affinity and its container's quota leave of the machine's."""
    num_cores = len(os.sched_getaffinity(0))
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        allowed, period = quota.read_text(encoding="ascii").split()
        if allowed != "max":
            num_cores = min(num_cores, max(1, int(allowed) // int(period)))
    return num_cores
