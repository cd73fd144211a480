"""Runs: what the records in a table's meta say of the runs that were, and which of them are still under way."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from reviewmine.backfill.summary import Summary
from reviewmine.errors import TableError
from reviewmine.store.filesystem import Listed, Store
from reviewmine.store.layout import Layout, begun_at
from reviewmine.store.parallel import in_parallel
from reviewmine.store.scratch import LONGEST_PUT
from reviewmine.store.tombstones import Tombstones

_log = logging.getLogger(__name__)

RUN_LIFE = timedelta(days=1)
"""A run that was not heard of for so long is dead, and a part so old that has no receipt is of no live attempt."""


def run_of_record(store: Store, name: str) -> Summary | None:
    """What the record of this name says; None where there is none. Raises TableError where it cannot be read."""
    stored = store.get(name)
    return Summary.decode(stored.body, where=f"{store.root}/{name}") if stored else None


def runs_of(store: Store, layout: Layout, *, now: datetime) -> list[Summary]:
    """The records of all runs of the table, in order of their start.

    One that cannot be read is warned of and left out, unless its name says that the run began not long ago: that may be
    alive, and nothing more is known of it.
    """

    def read(file: Listed) -> Summary | None:
        try:
            return run_of_record(store, file.name)
        except TableError as unreadable:
            begun = begun_at(file.name)
            if begun is None or now - begun >= RUN_LIFE:
                _log.warning("%s; meanwhile it is passed over", unreadable)
                return None
            _log.warning("%s; meanwhile it is taken for a live run's", unreadable)
            run_id = file.name.rsplit("/", 1)[-1].removesuffix(".json")
            return Summary(run_id=run_id, state="running", started_at=begun, updated_at=begun)

    found = in_parallel(read, list(store.list(layout.runs)))
    return sorted((run for run in found if run), key=lambda run: run.started_at)


def are_alive(runs: Iterable[Summary], *, now: datetime) -> list[Summary]:
    """Those of `runs` that are under way, or were when they were last heard of, not long ago."""
    return [run for run in runs if run.state == "running" and now - run.updated_at < RUN_LIFE]


def unaware_of(tombstones: Tombstones, runs: Iterable[Summary], *, now: datetime) -> list[str]:
    """The runs that may yet put rows which `tombstones` name, for they began before these were put.

    A worker of such a run may have read older ones, put a part, and died before it looked again.
    """
    return [
        f"run {run.run_id}, last heard of at {run.updated_at:%Y-%m-%d %H:%M:%S} UTC, began before the erasure and may "
        "put such rows yet; run this again ten minutes after it has ended, or once it was not heard of for a day"
        for run in runs
        if run.num_erasures < tombstones.num_erasures and _may_put(run, now=now)
    ]


def _may_put(run: Summary, *, now: datetime) -> bool:
    """Whether a worker of the run may yet put something: it lives, or was told to end not long ago."""
    if run.state in ("stopped", "failed"):
        return now - run.updated_at < LONGEST_PUT
    return bool(are_alive([run], now=now))
