"""Runs: which of them live, as their records tell."""

from datetime import UTC, datetime, timedelta

from partition_world import LAYOUT
from stores import MemoryStore

from reviewmine.backfill.runs import runs_of, unaware_of
from reviewmine.backfill.summary import Summary
from reviewmine.store.tombstones import Tombstones

NOW = datetime.now(UTC)


def run(**changes: object) -> Summary:
    made = Summary(run_id="r", state="running", started_at=NOW - timedelta(days=20), updated_at=NOW)
    return made.model_copy(update=changes)


def test_runs_are_read_from_the_meta():
    store = MemoryStore()
    store.put(LAYOUT.run("r"), run().encode())
    assert runs_of(store, LAYOUT) == [run()]


def test_a_live_run_that_began_before_an_erasure_is_not_aware_of_it():
    tombstones = Tombstones(num_erasures=2)
    cases = {
        "began before": run(num_erasures=1),
        "began after": run(num_erasures=2),
        "is over": run(state="stopped"),
        "is dead": run(updated_at=NOW - timedelta(days=2)),
    }
    told = {name: unaware_of(tombstones, [case], now=NOW) for name, case in cases.items()}
    assert [name for name, reasons in told.items() if reasons] == ["began before"]
    assert "run r, last heard of at" in told["began before"][0]
