"""New rows: what share of changed files a model has to see, as a sample of their reviews tells it."""

import pytest
from archives import reviews, truncate
from backfill_world import World

from reviewmine.backfill.earlier import EarlierParts
from reviewmine.backfill.new_rows import UNSEEN, NewShare, measure_new_share
from reviewmine.backfill.sampling import blocks
from reviewmine.partition import Partition

ARCHIVE = "a.parquet"


@pytest.fixture
def world(tmp_path) -> World:
    """A file of a thousand reviews, annotated; then a hundred of them, side by side, are edited."""
    made = World(tmp_path).write({ARCHIVE: reviews([f"r{number}" for number in range(1000)])})
    made.run()
    ids = [f"{'new' if 300 <= number < 400 else 'r'}{number}" for number in range(1000)]
    return made.write({ARCHIVE: reviews(ids)})


def measured(world: World, num_rows: int, *, spoil: bool = False) -> NewShare:
    planner = world.planner()
    plan = planner.plan(world.result(planner))
    (fragment,) = plan.partitions[0].fragments
    task = EarlierParts(plan).task(fragment, [Partition()])
    sampled = blocks([fragment], num_rows=num_rows)
    probes = [task.model_copy(update={"probe": probe.probe}) for probe in sampled]
    if spoil:
        truncate(world.root / ARCHIVE)
    return measure_new_share(world.job(planner), probes, num_rows=fragment.num_rows)


def test_a_sample_tells_the_share_and_how_far_off_it_may_be(world):
    found = measured(world, 300)
    assert found.share.low < 0.1 < found.share.high
    assert found.share.expected == pytest.approx(0.1, abs=0.05)
    assert found.share.high < 0.35
    assert found.basis == "300 rows of files that changed were looked up in what is live"


def test_where_all_are_looked_up_it_is_exact(world):
    assert measured(world, 1000).share == (0.1, 0.1, 0.1)


def test_where_none_is_seen_to_be_new_some_may_be(world):
    world.write({ARCHIVE: reviews([f"r{number}" for number in range(1001)])})
    found = measured(world, 100)
    assert found.share.low == found.share.expected == 0.0
    assert 0.01 < found.share.high < 0.1


def test_what_cannot_be_read_tells_nothing(tmp_path, world):
    job = world.job(world.planner())
    assert measure_new_share(job, [], num_rows=0) == UNSEEN
    assert UNSEEN.share == (0, 1, 1)
    assert measured(world, 300, spoil=True) == UNSEEN
