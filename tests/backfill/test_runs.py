"""Runs: which of them live, as their records tell."""

from datetime import UTC, datetime, timedelta

from partition_world import LAYOUT
from stores import MemoryStore

from reviewmine.backfill.runs import are_alive, runs_of, unaware_of
from reviewmine.backfill.summary import Summary
from reviewmine.store.tombstones import Tombstones

NOW = datetime.now(UTC)


def run(**changes: object) -> Summary:
    made = Summary(run_id="r", state="running", started_at=NOW - timedelta(days=20), updated_at=NOW)
    return made.model_copy(update=changes)


def test_runs_are_read_from_the_meta():
    store = MemoryStore()
    store.put(LAYOUT.run("r"), run().encode())
    assert runs_of(store, LAYOUT, now=NOW) == [run()]


def test_a_record_that_cannot_be_read_is_a_live_run_while_it_is_young_and_none_later(caplog):
    store, begun = MemoryStore(), NOW.replace(microsecond=0) - timedelta(hours=1)
    run_id = f"{begun:%Y%m%dT%H%M%S}-00000000"
    store.put(LAYOUT.run(run_id), b"{")
    (found,) = runs_of(store, LAYOUT, now=NOW)
    assert (found.run_id, found.started_at, are_alive([found], now=NOW)) == (run_id, begun, [found])
    assert "it is taken for a live run's" in caplog.text
    assert runs_of(store, LAYOUT, now=NOW + timedelta(days=1)) == []
    assert f"{LAYOUT.run(run_id)}: not a summary that this reviewmine can read" in caplog.text
    assert "it is passed over" in caplog.text
    store.put(LAYOUT.run("odd"), b"{")
    assert len(runs_of(store, LAYOUT, now=NOW)) == 1


def test_a_run_that_began_before_an_erasure_is_not_aware_of_it_while_a_worker_of_it_may_put_something():
    tombstones = Tombstones(num_erasures=2)
    cases = {
        "began before": run(num_erasures=1),
        "began after": run(num_erasures=2),
        "is over": run(state="done"),
        "was told to end just now": run(state="stopped"),
        "was told to end": run(state="failed", updated_at=NOW - timedelta(minutes=11)),
        "is dead": run(updated_at=NOW - timedelta(days=2)),
    }
    told = {name: unaware_of(tombstones, [case], now=NOW) for name, case in cases.items()}
    assert [name for name, reasons in told.items() if reasons] == [
        "began before",
        "was told to end just now",
    ]
    assert "run r, last heard of at" in told["began before"][0]
