"""Sessions: a local Ray for this process, or the cluster that a job was submitted to."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray

CPUS_BESIDE_MODELS = 2
"""Logical processors for reading and writing, beside those that model actors take; a local Ray counts them on top."""


@contextmanager
def ray_session() -> Iterator[None]:
    """Ray for the length of a `with`.

    A session that is up already is used and left up; RAY_ADDRESS, which a submitted job finds set, names a
    cluster to attach to; otherwise a Ray of this machine is started, and stopped at the end.
    """
    if ray.is_initialized():
        yield
        return
    on_stop = signal.getsignal(signal.SIGTERM)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        num_cpus = (os.cpu_count() or 1) + CPUS_BESIDE_MODELS
        ray.init(address="local", num_cpus=num_cpus, include_dashboard=False, **quiet)
    if on_stop is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_stop)  # ray.init puts one of its own in place of the run's
    try:
        yield
    finally:
        ray.shutdown()
