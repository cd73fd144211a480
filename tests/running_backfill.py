"""Backfills in processes of their own, as the main job runs them but for Ray: begun together, or stopped on their way.

The processes are forked from one that has imported everything, so that two of them do begin at the same moment.
"""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from backfill_world import Watching, World
from stopping_writer import SelfStoppingStore

from reviewmine.errors import ReviewmineError
from reviewmine.partition import Partition
from reviewmine.store.lease import Patience
from reviewmine.store.manifest import Manifest, history, live_manifest, published_partitions

_LIMIT_S = 300
_READY, _GO = "ready", "go"

IMPATIENT = {"ttl_s": 600, "wait_s": 0, "poll_s": 0}
"""Who finds a partition held leaves it to its holder."""
WAITING = {"ttl_s": 20, "wait_s": 60, "poll_s": 0.05}
"""As on the command line, but for looking more often."""
HARSH = {"ttl_s": 0, "wait_s": 60, "poll_s": 0.01}
"""Each takes every lease from the other at once, so that both go on writing."""
BRIEF = {"ttl_s": 0.5, "wait_s": 60, "poll_s": 0.05}
"""Who stops for longer is dead."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One run of the archive and the table of the world at `root`.

    With `pause` (an operation, a part of its name, how many of them to let pass) the process stops itself (SIGSTOP)
    before that one.
    """

    root: Path
    table: str
    checkpoint: str = "one"
    patience: Mapping[str, float] = field(default_factory=lambda: WAITING)
    pause: tuple[str, str, int] | None = None


@dataclass(frozen=True)
class Ended:
    """How a run ended: the generations it says it published, the partitions it left and why, what it raised."""

    published: dict[str, str]
    failed: dict[str, str]
    compare_and_swap: bool
    """Whether it took the store for one that has it."""
    error: str = ""

    @property
    def told(self) -> str:
        return " ".join([self.error, *self.failed.values()])


class Published(Watching):
    """An observer that keeps the generation of each partition too."""

    def __init__(self) -> None:
        super().__init__()
        self.generations: dict[str, str] = {}

    def published(self, manifest: Manifest) -> None:
        super().published(manifest)
        self.generations[manifest.partition] = manifest.generation


def _run(asked: Asked, environment: dict[str, str], parent: Connection) -> None:
    os.environ.update(environment)
    world = World(asked.root, table=asked.table)
    world.patience = lambda: Patience(**asked.patience)
    if asked.pause:
        world.table.store = SelfStoppingStore(world.table.store, *asked.pause)
    seen = Published()
    parent.send(_READY)
    parent.recv()
    failed, error = {}, ""
    try:
        failed = world.prepare(checkpoint=asked.checkpoint, observer=seen).run().partitions_failed
    except ReviewmineError as raised:
        error = f"{type(raised).__name__}: {raised}"
    parent.send(Ended(seen.generations, failed, world.table.store.compare_and_swap, error))


class Running:
    """A run in a process of its own, which waits until it is let go."""

    def __init__(self, asked: Asked) -> None:
        context = _forks()
        self._child, of_child = context.Pipe()
        environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        self._process: Any = context.Process(target=_run, args=(asked, environment, of_child), daemon=True)
        self._process.start()
        of_child.close()
        self._hear()

    def go(self) -> "Running":
        self._child.send(_GO)
        return self

    def ended(self) -> Ended:
        """How it ended. Raises TimeoutError for a run that hangs, EOFError for one that broke off."""
        ended: Ended = self._hear()
        self._process.join()
        return ended

    def has_stopped(self) -> bool:
        """Whether it stopped itself at its pause; False once it has ended without."""
        status = Path(f"/proc/{self._process.pid}/stat")
        while not self._child.poll(0.01):
            if status.read_text().rsplit(")", 1)[1].split()[0] == "T":
                return True
        return False

    def wake(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def _hear(self) -> Any:
        if not self._child.poll(_LIMIT_S):
            self._process.kill()
            raise TimeoutError(f"process {self._process.pid} said nothing for {_LIMIT_S} s")
        return self._child.recv()


def together(first: Asked, second: Asked) -> tuple[Ended, Ended]:
    """Two runs that begin at the same moment."""
    both = Running(first), Running(second)
    for running in both:
        running.go()
    return both[0].ended(), both[1].ended()


def chains(world: World) -> dict[str, list[str]]:
    """The generations of each partition, from the live one back through those that were live before it."""
    store, layout = world.table.store, world.table.layout
    found = {}
    for partition in published_partitions(store, layout):
        live = live_manifest(store, layout, partition)
        found[partition.path] = (
            [one.generation for one in history(store, layout, partition, live)] if live else []
        )
    return found


def lost(world: World, *runs: Ended) -> list[str]:
    """The generations that a run says it published, and that were never live."""
    were_live = chains(world)
    return [
        generation
        for run in runs
        for partition, generation in run.published.items()
        if generation not in were_live[Partition.of_path(partition).path]
    ]


@cache
def _forks() -> Any:
    """A context whose processes are forked from one that has imported this module, by the path of this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    before = os.environ.get("PYTHONPATH")
    here = Path(__file__).resolve().parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), str(here.parent), *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return context
