"""Paces: from the runs that tell something, from a trial, or as given."""

import pytest
from backfill_world import TOKENS_PER_S, InProcess, World

from reviewmine.backfill.pace import given_pace, pace_by_trial, pace_of_runs
from reviewmine.backfill.sampling import blocks
from reviewmine.errors import ReviewmineError


def record(world: World, number: int, **changes: object) -> None:
    """Put the record of a run of 100 s, of which it took 20 to start, at 1,000 tokens/s of each of its workers."""
    told = {
        "run_id": f"run-{number}",
        "seconds": 100.0,
        "startup_s": 20.0,
        "checkpoint": "one",
        "device": "cpu",
        "num_tokens": 160_000,
        "seconds_of_workers": {"a": 70.0, "b": 75.0},
    }
    summary = world.prepare().summary.model_copy(update=told | changes)
    world.table.store.put(world.table.layout.run(summary.run_id), summary.encode())


class TestRuns:
    def test_a_run_tells_the_pace_of_one_worker_and_the_start(self, world):
        record(world, 1)
        pace = pace_of_runs(world.table, checkpoint="one")
        assert pace.tokens_per_s.expected == pytest.approx(1000)
        assert pace.startup_s.expected == 20
        assert pace.num_workers == 2
        assert (
            "1 earlier runs of this checkpoint into this table, the last run-1 on 2 workers (cpu)"
            in pace.basis
        )

    def test_runs_that_differ_widen_the_interval(self, world):
        record(world, 1)
        record(world, 2, num_tokens=320_000, startup_s=30.0, seconds=110.0)
        pace = pace_of_runs(world.table, checkpoint="one")
        assert pace.tokens_per_s.expected == pytest.approx(1500)
        assert pace.tokens_per_s.low < 1000 < 2000 < pace.tokens_per_s.high
        assert pace.startup_s.low < 20 < 30 < pace.startup_s.high

    @pytest.mark.parametrize(
        "changes",
        [
            {"checkpoint": "two"},
            {"num_tokens": 0},
            {"seconds_of_workers": {}},
            {"seconds": 21.0},
            {"seconds": 0.0, "state": "running"},
            {"rows_read": 1000, "rows_carried": 900},
        ],
    )
    def test_a_run_of_another_checkpoint_or_of_a_moment_or_that_mostly_carried_over_says_nothing(
        self, world, changes
    ):
        record(world, 1, **changes)
        assert pace_of_runs(world.table, checkpoint="one") is None

    def test_a_run_that_carried_a_few_rows_over_tells_the_pace(self, world):
        record(world, 1, rows_read=1000, rows_carried=10)
        assert pace_of_runs(world.table, checkpoint="one").tokens_per_s.expected == pytest.approx(1000)

    def test_runs_on_another_kind_of_device_are_left_out(self, world):
        record(world, 1)
        record(world, 2, device="NVIDIA H200", num_tokens=16_000_000)
        assert pace_of_runs(world.table, checkpoint="one").tokens_per_s.expected == pytest.approx(100_000)
        cpu = pace_of_runs(world.table, checkpoint="one", device="cpu")
        assert cpu.tokens_per_s.expected == pytest.approx(1000)
        assert pace_of_runs(world.table, checkpoint="two", device="cuda") is None

    def test_no_more_records_are_read_than_tell_something(self, world):
        for number in range(100, 126):
            record(world, number, device="cuda" if number < 105 else "cpu")
        asked = []
        get = world.table.store.get
        world.table.store.get = lambda name: asked.append(name) or get(name)
        assert pace_of_runs(world.table, checkpoint="one").basis.startswith("20 earlier runs")
        assert sorted(asked) == [world.table.layout.run(f"run-{number}") for number in range(106, 126)]
        assert pace_of_runs(world.table, checkpoint="one", device="cuda").basis.startswith("5 earlier runs")

    def test_a_record_that_cannot_be_read_and_a_table_that_is_not_there_say_nothing(self, world):
        world.table.store.put(world.table.layout.run("broken"), b"{")
        assert pace_of_runs(world.table, checkpoint="one") is None
        assert pace_of_runs(World(world.root.parent / "elsewhere").table, checkpoint="one") is None


class TestTrial:
    def trial(self, world: World, **executor: object):
        planner = world.planner()
        pending = [f for p in planner.plan(world.result(planner)).partitions for f in p.fragments]
        world.executor = InProcess(world.job(planner), **executor)
        probes = blocks(pending, num_rows=6, rows_of_a_block=1)
        return pace_by_trial(world.executor.execute, probes, warming=probes[:2])

    def test_workers_of_a_real_run_tell_the_pace_and_nothing_is_written(self, world):
        trial = self.trial(world)
        assert trial.pace.tokens_per_s.expected == pytest.approx(TOKENS_PER_S)
        assert {outcome.kind for outcome in world.executor.outcomes} == {"probed"}
        assert list(world.table.store.list("")) == [
            file for file in world.table.store.list("") if file.name.startswith("archive/")
        ]
        assert "on 2 workers (cpu), started for it" in trial.pace.basis

    def test_no_probe_is_given_out_twice(self, world):
        self.trial(world)
        probes = [outcome.task for outcome in world.executor.outcomes]
        assert len(probes) == len(set(probes)) == 6

    def test_the_bytes_of_what_it_made_are_told(self, world):
        trial = self.trial(world)
        assert trial.num_bytes == 1000 * trial.num_parts + 50 * trial.num_rows

    def test_a_trial_of_which_nothing_comes_is_an_error_with_the_reason(self, world):
        with pytest.raises(ReviewmineError, match=r"no sampled row can be annotated: the worker died"):
            self.trial(world, poison=["a1", "a2", "b1", "c1"])


def test_a_pace_that_is_given_is_kept_to_with_some_room():
    pace = given_pace(1000)
    assert pace.tokens_per_s.low < 1000 == pace.tokens_per_s.expected < pace.tokens_per_s.high
    assert "the settings" in pace.basis
