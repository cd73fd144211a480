"""Runs: everything published once, whatever stops, dies or cannot be read on the way."""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import corrupt, reviews, truncate
from backfill_world import (
    EXPECTED,
    FIRST,
    NUM_FRAGMENTS,
    SECOND,
    TOKENS_PER_S,
    World,
    beaten_by_another,
    two_days,
)
from stores import Crash, MemoryStore, RefusingStore, StoppingStore

from reviewmine.backfill.selection import Selection
from reviewmine.backfill.work import Outcome
from reviewmine.errors import (
    EXIT_DONE,
    EXIT_DONE_WITH_REJECTS,
    EXIT_FAILED,
    EXIT_RESUMABLE,
    RejectBudgetExceeded,
    Stopped,
    StoreError,
)
from reviewmine.partition import Partition
from reviewmine.store.manifest import live_manifest


def crash_at(number: int):
    """A hook that stops the process at the outcome of this number."""
    seen: list[Outcome] = []

    def hook(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == number + 1:
            raise Crash

    return hook


class TestOnce:
    def test_a_run_publishes_every_row_once(self, world):
        summary = world.run()
        world.judge(EXPECTED)
        assert (summary.rows_read, summary.rows_reused, summary.partitions_published) == (6, 0, 2)
        assert (summary.state, summary.exit_code, summary.rows_by_status) == ("done", EXIT_DONE, {"empty": 6})
        assert world.watching.published_partitions == [FIRST, SECOND]
        assert (world.watching.num_planned_rows, world.watching.num_annotated_rows) == (6, 6)

    def test_a_rerun_annotates_nothing_and_touches_no_file(self, world):
        world.run()
        before = world.live_files()
        summary = world.run()
        assert world.live_files() == before
        assert world.executor.outcomes == []
        assert (summary.rows_read, summary.partitions_published, summary.partitions_fresh) == (0, 0, 2)
        assert summary.exit_code == EXIT_DONE

    def test_a_changed_file_reruns_alone_and_its_neighbours_receipts_are_used_again(self, world):
        world.run()
        before = world.live_files()
        world.write({f"{FIRST}/b.parquet": reviews(["b1", "b2"])})
        summary = world.run()
        assert [outcome.task.fragment.path for outcome in world.executor.outcomes] == [f"{FIRST}/b.parquet"]
        assert (summary.rows_read, summary.rows_reused, summary.partitions_published) == (2, 3, 1)
        world.judge({**EXPECTED, FIRST: ["a1", "a2", "a2", "b1", "b2"]})
        untouched = {name for name in before if SECOND in name}
        assert untouched <= set(world.live_files())

    def test_another_checkpoint_annotates_everything_again(self, world):
        world.run()
        summary = world.run(checkpoint="two")
        assert (summary.rows_read, summary.partitions_published) == (6, 2)
        world.judge(EXPECTED)

    def test_going_back_to_a_checkpoint_uses_its_receipts(self, world):
        world.run()
        world.run(checkpoint="two")
        summary = world.run()
        assert (summary.rows_read, summary.rows_reused, summary.partitions_published) == (0, 6, 2)
        world.judge(EXPECTED)

    def test_a_range_publishes_its_partitions_alone(self, world):
        world.run("2024-01-02")
        world.judge({SECOND: EXPECTED[SECOND]})
        world.run()
        world.judge(EXPECTED)
        assert world.num_done() == 2

    def test_a_partition_is_live_as_soon_as_its_last_fragment_is_annotated(self, world):
        live_at_outcome = []

        def look(outcome: Outcome) -> None:
            live_at_outcome.append(sorted({partition for partition, _ in world.rows()}))

        world.run(after=look)
        assert live_at_outcome == [[], [], [FIRST]]

    def test_carried_columns_are_in_the_table(self, tmp_path):
        world = World(tmp_path, carry=["stars"]).write({"a.parquet": reviews(["a", "b"], stars=[1, None])})
        world.run()
        (name,) = world.live_files()
        assert pq.read_table(world.table.store.open(name))["stars"].to_pylist() == [1, None]

    def test_a_file_of_several_partitions_is_annotated_once(self, tmp_path):
        world = World(tmp_path, partition_by="day")
        world.write({"a.parquet": reviews(["a", "b", "c"], ["2024-01-01", None, "2024-01-01"])})
        summary = world.run()
        assert (world.num_done(), summary.partitions_published) == (1, 2)
        world.judge({"review_day=2024-01-01": ["a", "c"], "review_day=__HIVE_DEFAULT_PARTITION__": ["b"]})


class TestCrashes:
    @pytest.mark.parametrize("number", range(NUM_FRAGMENTS))
    def test_a_run_that_dies_at_any_outcome_leaves_receipts_that_the_next_one_uses(self, world, number):
        with pytest.raises(Crash):
            world.run(after=crash_at(number))
        world.run()
        assert world.num_done() == NUM_FRAGMENTS - (number + 1)
        world.judge(EXPECTED)

    @pytest.mark.parametrize("is_rerun", [False, True], ids=["first run", "overwrite"])
    def test_a_run_that_dies_at_any_operation_is_mended_by_the_next(self, tmp_path, is_rerun):
        """All of its mutations, its own record among them; after one of them is before the next."""
        world = two_days(tmp_path)
        start = world.table.store = MemoryStore()
        if is_rerun:
            world.run(checkpoint="before")
        counted = world.table.store = StoppingStore(start.twin())
        world.run()
        num_receipts = Counter(at for at, operation in enumerate(counted.log) if "/receipts/" in operation)
        for at in range(len(counted.log)):
            store = start.twin()
            world.table.store = StoppingStore(store, at=at, how="after")
            with pytest.raises(Crash):
                world.run()
            world.table.store = store
            world.run()
            standing = sum(receipt <= at for receipt in num_receipts)
            assert world.num_done() == NUM_FRAGMENTS - standing, counted.log[at]
            world.judge(EXPECTED)
            assert set(world.states().values()) == {"fresh"}

    @pytest.mark.parametrize("number", range(NUM_FRAGMENTS))
    def test_another_run_that_does_everything_meanwhile_loses_and_doubles_nothing(self, world, number):
        seen = []

        def another_run(outcome: Outcome) -> None:
            seen.append(outcome)
            if len(seen) == number + 1:
                executor, watching = world.executor, world.watching
                world.run()
                world.executor, world.watching = executor, watching

        world.run(after=another_run)
        world.judge(EXPECTED)
        world.run()
        assert world.executor.outcomes == []
        world.judge(EXPECTED)


class TestRejects:
    @pytest.mark.parametrize("spoil", [truncate, corrupt])
    def test_a_run_that_tolerates_none_fails_once_the_other_partitions_are_published(self, world, spoil):
        spoil(world.root / FIRST / "a.parquet")
        with pytest.raises(
            RejectBudgetExceeded, match=r"1 archive files cannot be read, 0 are tolerated .*a\.parquet"
        ):
            world.run()
        record = world.records()[-1]
        assert (record.state, record.exit_code, record.partitions_published) == ("failed", EXIT_FAILED, 1)
        world.judge({SECOND: EXPECTED[SECOND]})

    @pytest.mark.parametrize(("spoil", "num_rows"), [(truncate, 0), (corrupt, 3)])
    def test_within_the_budget_the_other_partitions_are_published(self, world, spoil, num_rows):
        spoil(world.root / FIRST / "a.parquet")
        summary = world.run(max_rejects=1)
        world.judge({SECOND: EXPECTED[SECOND]})
        assert (summary.files_rejected, summary.rows_rejected) == (1, num_rows)
        assert (summary.state, summary.exit_code) == ("done", EXIT_DONE_WITH_REJECTS)
        assert world.watching.rejected_files == [f"{FIRST}/a.parquet"]

    def test_a_reject_is_recorded_with_its_reason(self, world):
        truncate(world.root / FIRST / "a.parquet")
        summary = world.run(max_rejects=1)
        store, layout = world.table.store, world.table.layout
        record = json.loads(store.get(layout.reject(summary.run_id, f"{FIRST}/a.parquet")).body)
        assert record["path"] == f"{FIRST}/a.parquet"
        assert "cannot be read as Parquet" in record["reason"]

    def test_a_file_of_several_fragments_is_one_reject(self, tmp_path):
        world = World(tmp_path)
        ids = [str(number) for number in range(45_000)]
        world.write({f"{FIRST}/a.parquet": reviews(ids), f"{SECOND}/b.parquet": reviews(["b"])})
        corrupt(world.root / FIRST / "a.parquet")
        summary = world.run(max_rejects=1)
        assert (summary.files_rejected, summary.rows_rejected) == (1, 45_000)
        world.judge({SECOND: ["b"]})

    def test_a_file_that_changes_during_the_run_fails_its_partition_and_the_next_run_takes_it(self, world):
        def change(outcome: Outcome) -> None:
            if len(world.executor.outcomes) == 1:
                world.write({f"{SECOND}/c.parquet": reviews(["c1", "new"])})

        summary = world.run(after=change, max_rejects=1)
        assert (summary.exit_code, summary.files_rejected) == (EXIT_FAILED, 0)
        assert "changed while it was read" in summary.partitions_failed[SECOND]
        world.judge({FIRST: EXPECTED[FIRST]})
        world.run()
        world.judge({FIRST: EXPECTED[FIRST], SECOND: ["c1", "new"]})

    def test_a_partition_that_cannot_be_renewed_keeps_its_live_generation(self, world):
        world.run()
        truncate(world.root / FIRST / "a.parquet")
        world.run(max_rejects=1)
        world.judge(EXPECTED)

    def test_an_unreadable_file_that_was_mended_is_published_by_the_next_run(self, world):
        whole = (world.root / FIRST / "a.parquet").read_bytes()
        truncate(world.root / FIRST / "a.parquet")
        world.run(max_rejects=1)
        (world.root / FIRST / "a.parquet").write_bytes(whole)
        world.run()
        world.judge(EXPECTED)


class TestFailures:
    def test_a_publish_that_fails_is_named_and_the_others_go_on(self, world):
        store = world.table.store
        world.table.store = RefusingStore(store, "copy", FIRST)
        summary = world.run()
        world.table.store = store
        assert list(summary.partitions_failed) == [FIRST]
        assert "not this one" in summary.partitions_failed[FIRST]
        assert (summary.state, summary.exit_code, summary.partitions_published) == ("failed", EXIT_FAILED, 1)
        assert world.records()[-1] == summary
        world.run()
        assert world.num_done() == 0
        world.judge(EXPECTED)

    def test_a_partition_whose_meta_cannot_be_read_is_named_and_the_others_go_on(self, world):
        lease = world.table.layout.lease(Partition.of_path(FIRST))
        world.table.store.put(lease, b"{")
        summary = world.run()
        assert "not a lease record" in summary.partitions_failed[FIRST]
        world.judge({SECOND: EXPECTED[SECOND]})

    def test_a_partition_that_another_run_holds_is_named_with_its_holder(self, world):
        patience, holder = beaten_by_another(world, Partition.of_path(FIRST))
        run = world.prepare()
        run._publisher._patience = patience
        summary = run.run()
        assert f"held by run {holder}" in summary.partitions_failed[FIRST]
        assert world.rows().keys() == {(SECOND, "c1"), (SECOND, "a1")}

    def test_a_run_that_slept_since_it_planned_puts_nothing_over_what_another_published(self, world):
        slept = world.prepare(checkpoint="one")
        world.run(checkpoint="two")
        before = world.live_files()
        summary = slept.run()
        assert (summary.exit_code, summary.partitions_published) == (EXIT_FAILED, 0)
        assert set(summary.partitions_failed) == {FIRST, SECOND}
        assert f"run {world.records()[-1].run_id} published it" in summary.partitions_failed[FIRST]
        assert "after this run had planned it; that is left as it is" in summary.partitions_failed[FIRST]
        assert world.live_files() == before
        world.judge(EXPECTED)

    def test_of_two_runs_that_plan_the_same_the_slower_finds_it_published(self, world):
        slower = world.prepare()
        world.run()
        before = world.live_files()
        summary = slower.run()
        assert (summary.exit_code, summary.partitions_published) == (EXIT_DONE, 2)
        assert world.live_files() == before
        world.judge(EXPECTED)

    def test_a_store_that_cannot_be_written_ends_the_run_with_its_error(self, world):
        world.table.store = RefusingStore(world.table.store, "put", "/receipts/")
        with pytest.raises(StoreError, match="not this one"):
            world.run()
        assert world.records()[-1].state == "failed"

    def test_the_error_of_a_store_that_is_away_is_not_hidden_by_the_record_that_cannot_be_put(self, world):
        run = world.prepare()
        store = world.table.store
        world.table.store = RefusingStore(store, "put", "/parts/", "/runs/")
        run._record = lambda state, record=run._record: record(state) if state != "running" else None
        with pytest.raises(StoreError, match="/parts/"):
            run.run()

    def test_a_partition_whose_file_breaks_the_contract_is_named_and_the_others_go_on(self, world):
        world.write({f"{FIRST}/a.parquet": reviews(["x"]).rename_columns(["id", "body"])})
        summary = world.run()
        assert list(summary.partitions_failed) == [FIRST]
        assert "a.parquet: found id, body; expected" in world.watching.withheld_partitions[FIRST]
        assert (summary.state, summary.exit_code) == ("failed", EXIT_FAILED)
        world.judge({SECOND: EXPECTED[SECOND]})

    def test_a_partition_whose_rows_break_the_contract_is_named_and_the_others_go_on(self, world):
        world.write({f"{FIRST}/a.parquet": reviews(["a"]).set_column(0, "review_id", pa.array([1.5]))})
        summary = world.run()
        assert "review_id" in summary.partitions_failed[FIRST]
        assert summary.exit_code == EXIT_FAILED
        world.judge({SECOND: EXPECTED[SECOND]})


class TestPacing:
    def test_the_newest_partition_is_published_first_where_that_is_asked_for(self, world):
        world.run(selection=Selection(order="newest"))
        assert world.watching.published_partitions == [SECOND, FIRST]
        world.judge(EXPECTED)

    def test_runs_of_one_partition_each_do_it_all_in_the_end(self, world):
        first = world.run(selection=Selection(max_partitions=1))
        assert (first.partitions_published, first.partitions_left, first.exit_code) == (1, 1, EXIT_DONE)
        second = world.run(selection=Selection(max_partitions=1))
        assert (second.partitions_published, second.partitions_left, second.partitions_fresh) == (1, 0, 1)
        world.judge(EXPECTED)

    def test_a_run_over_its_budget_stops_at_the_end_of_a_partition_and_a_rerun_goes_on(self, world):
        with pytest.raises(
            Stopped, match=r"with 1 partitions left; .* run the same command again"
        ) as stopped:
            world.run(budget_hours=1e-9)
        assert stopped.value.exit_code == EXIT_RESUMABLE
        world.judge({FIRST: EXPECTED[FIRST]})
        (record,) = world.records()
        assert (record.state, record.partitions_published) == ("stopped", 1)
        assert world.run(budget_hours=1e-9).state == "done"
        world.judge(EXPECTED)

    def test_a_budget_that_ends_with_the_last_partition_stops_nothing(self, world):
        assert world.run("2024-01-01", budget_hours=1e-9).exit_code == EXIT_DONE

    def test_a_budget_counts_where_only_publishes_are_left(self, world):
        world.run()
        world.run(checkpoint="two")
        with pytest.raises(Stopped):
            world.run(budget_hours=1e-9)
        assert sorted(world.states().values()) == ["fresh", "stale: checkpoint changed (full pass)"]


class TestRecord:
    def test_tokens_and_the_seconds_of_each_worker_are_recorded(self, world):
        (record,) = [world.run(), *world.records()][1:]
        assert (record.checkpoint, record.device, record.num_tokens) == ("one", "cpu", 6 * 5)
        assert record.result_key == world.plan().result.key
        assert set(record.seconds_of_workers) == {"worker-0", "worker-1"}
        assert sum(record.seconds_of_workers.values()) == pytest.approx(record.num_tokens / TOKENS_PER_S)
        assert 0 < record.startup_s <= record.seconds

    def test_a_run_is_recorded_while_it_runs_and_when_it_is_done(self, world):
        states = []
        summary = world.run(after=lambda outcome: states.append(world.records()[-1].state))
        assert states == ["running"] * NUM_FRAGMENTS
        (record,) = world.records()
        assert record == summary
        assert record.seconds >= 0

    def test_a_run_that_dies_is_still_recorded_as_running(self, world):
        world.table.store = StoppingStore(MemoryStore())
        world.run()
        last = len(world.table.store.log) - 1
        world.table.store = StoppingStore(MemoryStore(), at=last)
        with pytest.raises(Crash):
            world.run()
        world.table.store = world.table.store.store
        assert [record.state for record in world.records()] == ["running"]

    def test_the_workers_have_ended_before_the_record_says_that_the_run_is_over(self, world):
        states = []
        run = world.prepare()
        execute = run._executor.execute

        def executed(tasks):
            try:
                yield from execute(tasks)
            finally:
                states.append(world.records()[-1].state)

        run._executor.execute = executed
        corrupt(world.root / FIRST / "a.parquet")
        run.run()
        assert (states, world.records()[-1].state) == (["running"], "failed")

    def test_empty_partitions_are_counted_as_published(self, world):
        world.write({"dt=2024-01-03/e.parquet": reviews([])})
        assert world.run().partitions_published == 3
        assert (
            live_manifest(
                world.table.store, world.table.layout, Partition.of_path("dt=2024-01-03")
            ).live_files
            == ()
        )
        world.judge(EXPECTED)
