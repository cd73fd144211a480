"""Recovering: what dead runs left half published, and records that are damaged beside it."""

import shutil
import signal

import pytest
from archives import reviews
from backfill_world import EXPECTED, FIRST, NUM_FRAGMENTS, SECOND, World, beaten_by_another
from partition_world import run_id, silent
from stores import Crash, StoppingStore

from reviewmine.backfill.recovering import recover_dead_publishes
from reviewmine.backfill.selection import Selection
from reviewmine.backfill.stopping import StopSignal
from reviewmine.errors import EXIT_DONE, EXIT_FAILED, Stopped, TableError
from reviewmine.partition import Partition
from reviewmine.store.journal import Journal
from reviewmine.store.layout import new_run_id
from reviewmine.store.lease import Patience, take_lease


def test_a_publish_cut_off_by_a_dead_run_is_undone_before_the_next_plan(world):
    store = world.table.store
    world.run()
    world.table.store = StoppingStore(store)
    world.run(checkpoint="two")
    copies = [at for at, operation in enumerate(world.table.store.log) if operation.startswith("copy")]
    world.table.store = StoppingStore(store, at=copies[1], how="after")
    with pytest.raises(Crash):
        world.run(checkpoint="three")
    world.table.store = store
    assert len(world.live_files()) > NUM_FRAGMENTS
    recovered = recover_dead_publishes(world.table, new_run_id(), silent())
    assert [str(partition) for partition in recovered.partitions] == [FIRST]
    world.judge(EXPECTED)
    assert recover_dead_publishes(world.table, new_run_id(), silent()).partitions == ()


def test_a_publish_that_is_under_way_is_left_to_its_run(world):
    store = world.table.store
    world.table.store = StoppingStore(store)
    world.run()
    first_copy = next(at for at, told in enumerate(world.table.store.log) if told.startswith("copy"))
    world.table.store = StoppingStore(store, at=first_copy, how="after")
    with pytest.raises(Crash):
        world.run(checkpoint="two")
    world.table.store = store
    patience, _ = beaten_by_another(world, Partition.of_path(FIRST))
    before = world.live_files()
    assert recover_dead_publishes(world.table, new_run_id(), patience).partitions == ()
    assert world.live_files() == before


@pytest.mark.parametrize("beats", [True, False], ids=["alive", "dead"])
def test_publishes_of_another_run_in_many_partitions_cost_one_wait(tmp_path, beats):
    days = [f"dt=2024-01-{day:02}" for day in range(1, 11)]
    world = World(tmp_path).write({f"{day}/a.parquet": reviews([day]) for day in days})
    world.run()
    store, layout, elapsed_s = world.table.store, world.table.layout, [0.0]

    def sleep(seconds: float) -> None:
        elapsed_s[0] += seconds
        for lease in leases if beats else ():
            lease.keep()

    patience = Patience(now=lambda: elapsed_s[0], sleep=sleep)
    partitions = [Partition.of_path(day) for day in days]
    leases = [take_lease(store, layout, partition, run_id(7), patience) for partition in partitions]
    for partition, lease in zip(partitions, leases, strict=True):
        journal = Journal(run_id=run_id(7), fence=lease.fence, puts=(), replaces=())
        store.put(layout.journal(partition, lease.fence), journal.encode())
    recovered = recover_dead_publishes(world.table, new_run_id(), patience)
    assert list(recovered.partitions) == ([] if beats else partitions)
    assert elapsed_s[0] <= patience.ttl_s


def test_a_signal_is_heeded_while_it_waits_to_see_who_lives(world):
    world.run()
    store, layout, stop = world.table.store, world.table.layout, StopSignal()
    partition = Partition.of_path(FIRST)
    patience = Patience(now=lambda: 0.0, sleep=lambda seconds: signal.raise_signal(signal.SIGTERM))
    lease = take_lease(store, layout, partition, run_id(7), patience)
    journal = Journal(run_id=run_id(7), fence=lease.fence, puts=(), replaces=())
    store.put(layout.journal(partition, lease.fence), journal.encode())
    with stop.heeded(), pytest.raises(Stopped):
        recover_dead_publishes(world.table, new_run_id(), patience, stop)


@pytest.fixture
def half_published(world):
    """A table whose first partition has the journal of a dead run, and whose archive asks for both partitions anew."""
    world.run()
    partition = Partition.of_path(FIRST)
    journal = Journal(run_id=run_id(7), fence=1, puts=(), replaces=())
    world.table.store.put(world.table.layout.journal(partition, 1), journal.encode())
    return world


@pytest.mark.parametrize("record", ["journal", "lease", "pointer", "manifest"])
def test_a_damaged_record_beside_a_journal_costs_its_partition_alone(half_published, record):
    world, partition = half_published, Partition.of_path(FIRST)
    store, layout = world.table.store, world.table.layout
    names = {
        "journal": layout.journal(partition, 1),
        "lease": layout.lease(partition),
        "pointer": layout.pointer(partition),
        "manifest": next(
            file.name
            for file in store.list(layout.meta)
            if "/manifests/" in file.name and "01-01" in file.name
        ),
    }
    store.put(names[record], b"{")
    with pytest.raises(TableError, match=names[record]):
        recover_dead_publishes(world.table, new_run_id(), silent()).check()
    summary = world.run(checkpoint="two")
    assert (summary.state, summary.exit_code) == ("failed", EXIT_FAILED)
    assert list(summary.partitions_failed) == [FIRST]
    assert names[record] in summary.partitions_failed[FIRST]
    assert world.watching.published_partitions == [SECOND]


def test_a_publish_that_cannot_be_recovered_fails_a_run_over_other_partitions_too(half_published):
    world, partition = half_published, Partition.of_path(FIRST)
    journal = world.table.layout.journal(partition, 1)
    world.table.store.put(journal, b"{")
    summary = world.run("2024-01-02", checkpoint="two")
    assert (summary.exit_code, list(summary.partitions_failed)) == (EXIT_FAILED, [FIRST])
    assert world.watching.published_partitions == [SECOND]
    world.table.store.delete(journal)
    assert world.run("2024-01-02", checkpoint="two").exit_code == EXIT_DONE


def test_a_publish_that_cannot_be_recovered_is_not_pruned(half_published):
    world, partition = half_published, Partition.of_path(FIRST)
    world.table.store.put(world.table.layout.journal(partition, 1), b"{")
    shutil.rmtree(world.root / FIRST)
    before = world.live_files()
    summary = world.run(selection=Selection(prune=True))
    assert (summary.exit_code, list(summary.partitions_failed)) == (EXIT_FAILED, [FIRST])
    assert world.live_files() == before
