"""The enumerator for backfills: a whole run over three partitions, without Ray, stopped at every operation.

What test_run.py does in memory is done here on any store: an overwrite of three published partitions that is stopped
before an operation, after it, or after it with its reply lost, and the next run, which must mend it.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archives import reviews, write_files
from backfill_world import World
from crash_points import HOWS, Enumerated
from judgement import breaches, partial_partitions, rows_of_archive, rows_to_reuse, standing_receipts
from stores import Crash, MemoryStore, StoppingStore

from reviewmine.store.archive import Archive
from reviewmine.store.retrying import RetryingStore

ARCHIVE = {
    f"dt=2024-01-0{path}.parquet": reviews([f"{path} {number}" for number in range(3)] + ["again"])
    for path in ("1/a", "1/b", "2/a", "3/a")
}
"""Three partitions, with an id that is in each of the four files."""
__all__ = ["HOWS", "STARTS", "Backfills"]
STARTS = ("nothing", "an earlier generation")


class Backfills:
    """Backfills of one archive, each into a table of its own below `uri`, which `start` says what it holds before."""

    def __init__(self, folder: Path, uri: str, *, start: str) -> None:
        self._folder, self._uri = folder, uri
        write_files(folder / "archive", ARCHIVE)
        self._expected = rows_of_archive(Archive(str(folder / "archive")))
        self._objects: dict[str, bytes] = {}
        if start == STARTS[1]:
            before = self._world(f"{uri}/before/table")
            before.table.store = MemoryStore()
            before.run(checkpoint="earlier")
            self._objects = before.table.store.objects

    def stopped_everywhere(self, how: str, *, only: slice = slice(None), num_threads: int = 1) -> Enumerated:
        """A run is stopped at each of its operations; the next run must mend it, and annotate nothing twice.

        Reads are stopped by a lost reply alone: to be stopped before or after one is to be stopped after the change
        before it.
        """
        enumerated = Enumerated(self._operations(reads=how == "lost"))
        wanted = list(enumerate(enumerated.operations))[only]
        with ThreadPoolExecutor(num_threads) as threads:
            ends = threads.map(lambda at: self._stopped(at[0], at[1], how), wanted)
            enumerated.outcomes.update(ends)
        return enumerated

    def _operations(self, *, reads: bool) -> list[str]:
        world = self._at_start()
        counted = world.table.store = StoppingStore(world.table.store, reads=reads)
        world.run()
        assert breaches(world.table, self._expected) == []
        return counted.log

    def _stopped(self, at: int, operation: str, how: str) -> tuple[str, ...]:
        world = self._at_start()
        store = StoppingStore(world.table.store, at=at, how=how, reads=how == "lost")
        world.table.store = RetryingStore(store, sleep=lambda _: None)
        if how == "lost":
            world.run()
            ended = "retried", "done"
        else:
            with pytest.raises(Crash):
                world.run()
            ended = "crashed", "mended"
        self._judge_rerun(world.table.uri, f"stopped {how} {at}: {operation}")
        return ended

    def _judge_rerun(self, uri: str, where: str) -> None:
        world = self._world(uri)  # another process: it has a store of its own
        table = world.table
        assert partial_partitions(table, self._expected) == [], where
        before = standing_receipts(table)
        to_reuse = rows_to_reuse(table, before, world.result(world.planner()).key)
        summary = world.run()
        after = standing_receipts(table)
        assert breaches(table, self._expected) == [], where
        assert summary.rows_reused == to_reuse, where
        assert {name: after.get(name) for name in before} == before, where

    def _at_start(self) -> World:
        world = self._world(f"{self._uri}/{uuid.uuid4().hex}/table")
        for name, body in self._objects.items():
            world.table.store.put(name, body)
        return world

    def _world(self, uri: str) -> World:
        return World(self._folder, table=uri)
