"""Estimates: exact where footers say so, and otherwise what sample, pace and price make of them."""

import pytest
from archives import reviews
from backfill_world import FIRST, SECOND, World
from stores import Crash

from reviewmine.backfill.estimate import (
    Estimate,
    Estimator,
    Means,
    Sizes,
    request_seconds,
    sizes_of_live,
    sizes_of_trial,
    sizes_unseen,
)
from reviewmine.backfill.interval import NOTHING, Interval
from reviewmine.backfill.new_rows import NewShare
from reviewmine.backfill.pace import Pace, Trial, given_pace
from reviewmine.backfill.sampling import TokenRate
from reviewmine.backfill.selection import Selection


def means(
    *,
    num_workers: int = 1,
    startup_s: float = 0.0,
    request_s: float = 0.0,
    price: float | None = None,
    new_share: NewShare | None = None,
) -> Means:
    """A token for each stored byte, 100 of them a second, and parts of 1,000 bytes and 10 for each row."""
    return Means(
        tokens=TokenRate(
            per_byte=Interval(0.9, 1, 1.1), per_row=1, body_bytes_per_row=1, num_rows=600, num_blocks=40
        ),
        pace=Pace(
            tokens_per_s=Interval(50, 100, 200), startup_s=Interval.around(startup_s, 0.5), basis="made up"
        ),
        sizes=Sizes(1000, Interval(5, 10, 20), "made up"),
        num_workers=num_workers,
        request_s=request_s,
        price_per_hour=price,
        new_share=new_share,
    )


def estimator(world: World, *, stored_bytes: int = 3600, selection: Selection | None = None) -> Estimator:
    """Of a world whose files all have so many bytes of body."""
    planner = world.planner(selection=selection)
    plan = planner.plan(world.result(planner))
    layout = world.table.layout
    listed = world.table.store.list(layout.receipts(plan.result.key))
    standing = {file.name.rsplit("/", 1)[-1].removesuffix(".json") for file in listed}
    return Estimator(plan, stored_bytes=lambda path: stored_bytes, standing=standing)


def estimate(world: World, **made: object) -> Estimate:
    return estimator(world).estimate(means(**made))


def test_files_rows_bytes_and_fragments_are_exact(world):
    found = estimate(world)
    assert (found.num_files, found.num_rows, found.num_fragments, found.rows_to_annotate) == (3, 6, 3, 6)
    assert found.num_bytes == sum(file.stat().st_size for file in world.root.rglob("*.parquet"))
    assert [(str(p.planned.partition), p.planned.num_rows) for p in found.partitions] == [
        (FIRST, 4),
        (SECOND, 2),
    ]


def test_tokens_are_the_footers_bytes_times_what_the_sample_says(world):
    found = estimate(world)
    assert found.tokens == pytest.approx((0.9 * 10_800, 10_800, 1.1 * 10_800))
    assert [p.tokens.expected for p in found.partitions] == pytest.approx([7200, 3600])


def test_hours_are_those_of_the_worker_that_has_most_and_of_its_start(world):
    one, three = estimate(world, startup_s=360), estimate(world, startup_s=360, num_workers=3)
    publishing_h = one.hours.expected - (360 + 108) / 3600
    assert 0 < publishing_h < 0.001
    assert three.hours.expected - publishing_h == pytest.approx((360 + 36) / 3600)
    assert three.device_hours.expected == pytest.approx(3 * three.hours.expected)
    assert one.hours.low < one.hours.expected < one.hours.high


def test_a_store_that_answers_slowly_is_counted_for_each_publish(world):
    fast, slow = estimate(world), estimate(world, request_s=1.0)
    assert slow.hours.expected - fast.hours.expected == pytest.approx((2 * 14 + 3 * 2) / 3600)


def test_a_price_makes_a_cost(world):
    found = estimate(world, price=2.5)
    assert found.cost == found.device_hours.times(2.5)
    assert all(p.cost == p.device_hours.times(2.5) for p in found.partitions)
    assert estimate(world).cost is None


def test_what_receipts_hold_is_published_and_not_annotated_again(world):
    def stop(outcome) -> None:
        raise Crash

    with pytest.raises(Crash):
        world.run(after=stop)
    found = estimate(world)
    assert (found.num_rows, found.rows_to_annotate) == (6, 3)
    assert found.tokens.expected == pytest.approx(7200)


def test_a_fragment_of_two_partitions_counts_once_in_the_total(tmp_path):
    world = World(tmp_path, partition_by="day")
    world.write({"a.parquet": reviews(["a", "b", "c"], ["2024-01-01", "2024-01-02", "2024-01-02"])})
    found = estimate(world)
    assert (found.num_files, found.num_fragments, found.num_rows, found.rows_to_annotate) == (1, 1, 3, 3)
    assert found.tokens.expected == pytest.approx(3600)
    assert [p.planned.num_rows for p in found.partitions] == [1, 2]


def test_a_partition_counts_as_much_of_a_fragment_as_it_has_rows_of(tmp_path):
    world = World(tmp_path, partition_by="day")
    days = [f"2024-01-{day:02d}" for day in range(1, 31)]
    world.write({"a.parquet": reviews([f"r{day}" for day in days], days)})
    found = estimate(world, price=1)
    assert [p.rows_to_annotate for p in found.partitions] == [1] * 30
    assert sum(p.tokens.expected for p in found.partitions) == pytest.approx(found.tokens.expected)
    assert sum(p.cost.high for p in found.partitions) == pytest.approx(30 * 120 * 1.1 / 50 / 3600)


def test_rows_that_are_known_take_no_tokens(world):
    world.run()
    world.write({f"{SECOND}/c.parquet": reviews(["c1", "a1"], rating=[1, 2])})
    world.run()
    world.carry = ("rating",)
    assert set(world.states().values()) == {"stale: carried columns changed (no new model work)"}
    found = estimate(world, price=1)
    assert (found.num_rows, found.rows_to_annotate, found.rows_to_carry) == (6, 0, 6)
    assert found.tokens == NOTHING
    assert {(p.rows_to_annotate, p.tokens, p.cost) for p in found.partitions} == {(0, NOTHING, NOTHING)}
    assert found.hours.expected > 0
    assert estimate(world, startup_s=3600).hours.expected > 1


def test_of_a_file_that_changed_as_much_is_new_as_a_sample_says(world):
    world.run()
    world.write({f"{FIRST}/a.parquet": reviews(["a1", "a2", "new"])})
    unseen = estimate(world)
    assert (unseen.num_rows, unseen.rows_to_annotate, unseen.rows_to_carry) == (4, 3, 0)
    assert unseen.tokens == pytest.approx((0, 3600, 3600 * 1.1))
    found = estimate(world, new_share=NewShare(Interval(0, 1 / 3, 2 / 3), "a sample"))
    assert (found.rows_to_annotate, found.rows_to_carry) == (1, 2)
    assert found.tokens == pytest.approx((0, 1200, 2400 * 1.1))


def test_another_checkpoint_knows_nothing(world):
    world.run()
    planner = world.planner()
    plan = planner.plan(world.result(planner, "two"))
    found = Estimator(plan, stored_bytes=lambda path: 3600, standing=set()).estimate(means())
    assert (found.rows_to_annotate, found.rows_to_carry) == (6, 0)


def test_output_is_counted_by_parts_and_rows(world):
    found = estimate(world)
    assert [p.output_bytes.expected for p in found.partitions] == pytest.approx([2 * 1000 + 40, 1000 + 20])
    assert found.output_bytes.expected == pytest.approx(3060)


def test_what_is_fresh_or_left_takes_nothing(world):
    world.run("2024-01-01")
    found = estimator(world, selection=Selection(max_partitions=1)).estimate(means())
    assert found.partitions[0].tokens == NOTHING
    assert found.num_rows == 2
    world.run()
    done = estimator(world)
    assert done.pending == []
    assert done.estimate(None).hours == NOTHING


def test_sizes_come_from_live_parts_a_trial_or_the_length_of_bodies(world):
    world.run()
    live = [planned.live for planned in world.plan().partitions]
    num_bytes = sum(part.num_bytes for manifest in live for part in manifest.parts)
    found = sizes_of_live(live, 1000)
    assert found.of_a_row.expected == pytest.approx((num_bytes - 3000) / 6)
    assert found.basis == "6 live rows"
    assert sizes_of_live([], 1000) is None
    trial = Trial(pace=given_pace(1), num_rows=100, num_parts=2, num_bytes=12_000)
    assert sizes_of_trial(trial, 1000).of_a_row.holds(90)
    assert sizes_unseen(500, 1000).of_a_row.holds(200)


def test_the_answer_of_a_store_is_timed_at_its_best(world):
    ticks = iter([0.0, 3.0, 3.0, 4.0, 4.0, 6.0])
    assert request_seconds(world.table, lambda: next(ticks)) == 1.0
