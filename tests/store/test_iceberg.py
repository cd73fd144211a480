"""Iceberg: the snapshot is the commit, whoever is stopped or wakes when."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from crash_points import HOWS
from iceberg_crash_points import overtaken_everywhere, publish, steps, stopped_everywhere
from iceberg_world import ENTRY, IcebergWorld, attempt, compact, ids
from partition_world import DAY, FIRST, LAYOUT, SECOND, run_id, silent, write
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import AddSnapshotUpdate
from stores import Crash, StoppingStore

from reviewmine.errors import PublishError, TableError
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.iceberg import IcebergLive
from reviewmine.store.iceberg_catalog import EMBEDDED
from reviewmine.store.journal import standing_journals
from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import live_manifest
from reviewmine.store.rollback import PREVIOUS, Rollback, roll_back

THIRD = {"a.parquet": ["r1", "r9"], "d.parquet": ["r8"]}


@pytest.fixture
def world(tmp_path: Path) -> IcebergWorld:
    """A table in which the first archive is live."""
    made = IcebergWorld(tmp_path)
    write(made.store(), FIRST, 1, live=made.live(made.store()))
    return made.keep()


def test_a_partition_is_published_and_then_replaced_by_one_snapshot_each(world):
    world.judge(FIRST)
    manifest = publish(world, SECOND, 2)
    world.judge(SECOND)
    assert world.generations() == [f"{run_id(1)}-1", manifest.generation]
    assert len(world.table().snapshots()) == 2
    told = world.table().current_snapshot().summary.additional_properties
    assert told["reviewmine.run-id"] == run_id(2)
    assert len(told[f"reviewmine.manifest-sha256.{DAY.name}"]) == 64


def test_older_snapshots_keep_their_files_for_readers_that_began_with_them(world):
    before = world.table().current_snapshot().snapshot_id
    publish(world, SECOND, 2)
    rows = world.table().scan(snapshot_id=before).to_arrow()
    assert sorted(rows["review_id"].to_pylist()) == ids(FIRST)


def test_publishing_what_is_live_commits_nothing(world):
    publish(world, FIRST, 2)
    assert world.generations() == [f"{run_id(1)}-1"]
    world.judge(FIRST)


def test_an_empty_partition_deletes_its_rows(world):
    publish(world, {}, 2)
    assert world.review_ids() == []
    assert live_manifest(world.store(), LAYOUT, DAY).live_files == ()
    publish(world, SECOND, 3)
    world.judge(SECOND)


@pytest.mark.parametrize(("turn", "how"), list(enumerate(HOWS)))
def test_a_run_stopped_at_any_step_leaves_whole_rows_and_nothing_that_the_next_does_not_mend(
    world, turn, how
):
    """The ways to stop take turns, but for the commit and what lies next to it."""
    at_commit = steps(world).index("commit")
    enumerated = stopped_everywhere(world, how, lambda at: at % len(HOWS) == turn or abs(at - at_commit) <= 1)
    assert enumerated.num_cases > 5


@pytest.mark.slow
@pytest.mark.parametrize("how", HOWS)
def test_a_run_stopped_in_any_way_at_any_step_is_mended(world, how):
    enumerated = stopped_everywhere(world, how)
    assert enumerated.num_cases == len(enumerated.operations)


@pytest.mark.parametrize(("turn", "how"), list(enumerate(HOWS)))
def test_a_rollback_stopped_at_any_step_is_finished_or_undone_and_goes_back_no_further(world, turn, how):
    def back(store: Store, number: int) -> Rollback:
        return roll_back(
            store, LAYOUT, world.live(store), DAY, run_id(number), to=PREVIOUS, patience=silent()
        )

    publish(world, SECOND, 2)
    counted = StoppingStore(world.store())
    back(counted, 3)
    world.judge(FIRST)
    log = counted.log
    for at in range(turn, len(log), len(HOWS)):
        world.reset()
        publish(world, SECOND, 2)
        stopping = StoppingStore(world.store(), at=at, how=how)
        attempt(lambda store=stopping: back(store, 3))
        assert world.review_ids() in (ids(FIRST), ids(SECOND)), log[at]
        back(world.store(), 4)
        world.judge(FIRST)


OVERTAKEN = pytest.mark.parametrize(
    ("zombies", "others"), [(THIRD, SECOND), (SECOND, FIRST)], ids=["replaced", "left as it was"]
)


@OVERTAKEN
def test_a_zombie_that_wakes_after_another_run_took_over_changes_nothing(world, zombies, others):
    enumerated = overtaken_everywhere(world, zombies, others, every=6)
    assert set(enumerated.outcomes) == {("done",), ("lost",)}


@pytest.mark.slow
@OVERTAKEN
def test_a_zombie_that_sleeps_anywhere_changes_nothing(world, zombies, others):
    enumerated = overtaken_everywhere(world, zombies, others)
    assert enumerated.num_cases == len(enumerated.operations)


class InterferingCatalog(SqlCatalog):
    """A catalog in which `interfere` is quicker than the first commit."""

    def __init__(self, embedded: Location, interfere: Callable[[], None]) -> None:
        super().__init__(EMBEDDED, uri=f"sqlite:///{embedded.path}")
        self._interfere: Callable[[], None] | None = interfere

    def commit_table(self, table, requirements, updates):
        if self._interfere is not None:
            interfere, self._interfere = self._interfere, None
            interfere()
        return super().commit_table(table, requirements, updates)


def publish_beside(world: IcebergWorld, interfere: Callable[[], None]) -> None:
    """SECOND is published while another commit is quicker."""
    live = IcebergLive(
        world.store(),
        LAYOUT,
        Location("file", f"{world.root}/table"),
        ENTRY,
        ("dt",),
        open_entry=lambda _, embedded: InterferingCatalog(embedded, interfere),
    )
    write(world.store(), SECOND, 2, live=live)


def append(world: IcebergWorld, day: str) -> None:
    rows = pa.table({"review_id": ["theirs"], "dt": [day]}, schema=pa.schema(THEIRS))
    world.table().append(rows)


THEIRS = [pa.field("review_id", pa.string()), pa.field("dt", pa.string())]


def test_a_conflict_with_another_partition_is_tried_again(world):
    publish_beside(world, lambda: append(world, "2024-01-02"))
    assert world.review_ids() == sorted([*ids(SECOND), "theirs"])
    assert len(world.generations()) == 2


def test_a_conflict_in_the_same_partition_is_not_and_nothing_is_left_behind(world):
    with pytest.raises(PublishError, match="dt=2024-01-01: another writer changed it meanwhile; rerun"):
        publish_beside(world, lambda: append(world, "2024-01-01"))
    assert world.review_ids() == sorted([*ids(FIRST), "theirs"])
    publish(world, SECOND, 3)
    world.judge(SECOND)


def test_a_commit_that_landed_though_it_was_told_as_a_conflict_is_not_done_twice(world):
    class Mistold(SqlCatalog):
        def commit_table(self, table, requirements, updates):
            answer = super().commit_table(table, requirements, updates)
            if any(isinstance(update, AddSnapshotUpdate) for update in updates) and not self.told:
                self.told = True
                raise CommitFailedException("the reply was lost, and the retry found it done")
            return answer

        told = False

    live = IcebergLive(
        world.store(),
        LAYOUT,
        Location("file", f"{world.root}/table"),
        ENTRY,
        ("dt",),
        open_entry=lambda _, embedded: Mistold(EMBEDDED, uri=f"sqlite:///{embedded.path}"),
    )
    write(world.store(), SECOND, 2, live=live)
    world.judge(SECOND)
    assert len(world.generations()) == 2


def test_rows_that_another_writer_added_are_refused(world):
    append(world, "2024-01-02")
    with pytest.raises(TableError, match="found 1 files that reviewmine did not write, such as table/data/"):
        world.live(world.store()).prepare()
    world.table().delete("review_id = 'theirs'")
    world.live(world.store()).prepare()


def test_a_compacted_partition_stands_as_long_as_it_has_all_its_rows_and_the_next_run_replaces_it(world):
    live = world.live(world.store())
    manifest = live_manifest(world.store(), LAYOUT, DAY)
    compact(world.table(), "dt = '2024-01-01'")
    assert len(world.table().inspect.files()) == 1
    live.prepare()
    assert live.stands(manifest)
    assert live.foreign(live.sizes()) == []
    publish(world, FIRST, 2)
    assert world.generations() == [f"{run_id(1)}-1"]
    publish(world, SECOND, 3)
    assert world.review_ids() == ids(SECOND)
    assert world.live(world.store()).stands(live_manifest(world.store(), LAYOUT, DAY))
    compact(world.table(), "dt = '2024-01-01'", num_lost=1)
    assert not live.stands(live_manifest(world.store(), LAYOUT, DAY))


def test_a_commit_is_finished_by_the_next_run_even_if_its_snapshot_has_expired(world):
    log = steps(world)
    stopping = StoppingStore(world.store(), at=log.index("commit"), how="after")
    with pytest.raises(Crash):
        publish(world, SECOND, 2, stopping)
    committed = world.table().current_snapshot().snapshot_id
    world.live(world.store()).shut_out(Partition((("dt", "2024-01-02"),)), 1)
    world.table().maintenance.expire_snapshots().by_id(committed).commit()
    manifest = publish(world, SECOND, 3)
    assert manifest.generation == f"{run_id(2)}-2"
    assert world.review_ids() == ids(SECOND)
    assert list(standing_journals(world.store(), LAYOUT, DAY)) == []


def test_the_key_stands_in_each_row_and_undated_ones_have_none(world):
    rows = pa.table({"review_id": ["a", "b"]})
    live = world.live(world.store())
    assert live.part_of(DAY, rows)["dt"].to_pylist() == ["2024-01-01"] * 2
    undated = live.part_of(Partition((("dt", NULL_VALUE),)), rows)
    assert undated["dt"].to_pylist() == [None, None]
    assert undated.schema.field("dt").type == pa.string()


def test_columns_that_cannot_become_one_are_refused_and_nothing_is_left_behind(world):
    class Odd(IcebergLive):
        def part_of(self, partition, annotations):
            return (
                super()
                .part_of(partition, annotations)
                .append_column("source_row", pa.array(["x"] * len(annotations)))
            )

    live = Odd(world.store(), LAYOUT, Location("file", f"{world.root}/table"), ENTRY, ("dt",))
    with pytest.raises(PublishError, match="source_row"):
        write(world.store(), SECOND, 2, live=live)
    world.judge(FIRST)


def test_a_table_that_was_moved_says_where_it_was(world, tmp_path):
    shutil.move(world.root, tmp_path / "elsewhere")
    store = LocalStore(tmp_path / "elsewhere", scratch=LAYOUT.scratch)
    moved = IcebergLive(store, LAYOUT, Location("file", f"{tmp_path}/elsewhere/table"), ENTRY, ("dt",))
    with pytest.raises(TableError, match=r"root/table/metadata/.*; Iceberg names files by their whole place"):
        moved.prepare()
