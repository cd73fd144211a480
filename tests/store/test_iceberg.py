"""Iceberg: the snapshot is the commit, whoever is stopped or wakes when."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from iceberg_world import ENTRY, IcebergWorld, attempt, ids
from partition_world import DAY, FIRST, LAYOUT, SECOND, Archive, run_id, write
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import AddSnapshotUpdate
from stores import Crash, PausingStore, StoppingStore, Writer

from reviewmine.errors import PublishError, TableError
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.filesystem import Location
from reviewmine.store.iceberg import IcebergLive
from reviewmine.store.iceberg_catalog import EMBEDDED
from reviewmine.store.journal import standing_journals
from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import live_manifest
from reviewmine.store.retrying import RetryingStore

HOWS = ("before", "after", "lost")
THIRD = {"a.parquet": ["r1", "r9"], "d.parquet": ["r8"]}


@pytest.fixture
def world(tmp_path: Path) -> IcebergWorld:
    """A table in which the first archive is live."""
    made = IcebergWorld(tmp_path)
    write(made.store(), FIRST, 1, live=made.live(made.store()))
    return made.keep()


def publish(world: IcebergWorld, archive, number: int, store=None):
    store = store or world.store()
    return write(store, archive, number, live=world.live(store))


def steps(world: IcebergWorld, archive=SECOND) -> list[str]:
    """The mutations of one undisturbed run, the commit among them."""
    counted = StoppingStore(world.store())
    publish(world, archive, 2, counted)
    world.reset()
    return counted.log


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
    stopped_everywhere(world, how, lambda at: at % len(HOWS) == turn or abs(at - at_commit) <= 1)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOWS)
def test_a_run_stopped_in_any_way_at_any_step_is_mended(world, how):
    stopped_everywhere(world, how, lambda at: True)


def stopped_everywhere(world: IcebergWorld, how: str, is_wanted: Callable[[int], bool]) -> None:
    log = steps(world)
    at_commit = log.index("commit")
    assert log.count("commit") == 1
    endings: Counter[str] = Counter()
    for at, step in [(at, step) for at, step in enumerate(log) if is_wanted(at)]:
        world.reset()
        stopping = StoppingStore(world.store(), at=at, how=how)
        store = RetryingStore(stopping, sleep=lambda _: None)
        live = world.live(stopping)
        ended = attempt(lambda store=store, live=live: write(store, SECOND, 2, live=live))
        endings[type(ended).__name__] += 1
        is_committed = at > at_commit or (at == at_commit and how != "before")
        seen = SECOND if is_committed or ended is None else FIRST
        assert world.review_ids() == ids(seen), step
        publish(world, SECOND, 3)
        world.judge(SECOND)
        if is_committed:
            assert world.generations()[-1] == f"{run_id(2)}-2", step
    # A store is asked again; a catalog is not, for what it was asked may yet be done.
    expected = {"StoreUnavailable": 1, "NoneType": endings.total() - 1} if how == "lost" else None
    assert endings == (expected or {"Crash": endings.total()})
    assert endings.total() > 5


OVERTAKEN = pytest.mark.parametrize(
    ("zombies", "others"), [(THIRD, SECOND), (SECOND, FIRST)], ids=["replaced", "left as it was"]
)


@OVERTAKEN
def test_a_zombie_that_wakes_after_another_run_took_over_changes_nothing(world, zombies, others):
    overtaken_everywhere(world, zombies, others, every=6)


@pytest.mark.slow
@OVERTAKEN
def test_a_zombie_that_sleeps_anywhere_changes_nothing(world, zombies, others):
    overtaken_everywhere(world, zombies, others, every=1)


def overtaken_everywhere(world: IcebergWorld, zombies: Archive, others: Archive, *, every: int) -> None:
    """The other run may find its generation live and commit nothing: the zombie is shut out all the same.

    It sleeps before each `every`-th operation, and around the commit; before the lease it is no zombie yet.
    """
    log = _operations(world, zombies)
    lease_at, commit_at = log.index(f"put_if {LAYOUT.lease(DAY)}"), log.index("commit")
    around = {lease_at, lease_at + 1, commit_at - 1, commit_at, commit_at + 1}
    endings: Counter[str] = Counter()
    for at in sorted(around | set(range(0, len(log), every))):
        world.reset()
        store = PausingStore(world.store(), at=at)
        zombie = Writer(store, lambda s: write(s, zombies, 2, live=world.live(s)))
        zombie.to_pause()
        publish(world, others, 3)
        assert world.review_ids() == ids(others), log[at]
        zombie.to_end()
        endings[type(zombie.error).__name__] += 1
        assert world.review_ids() == ids(zombies if at <= lease_at else others), log[at]
        publish(world, others, 4)
        assert world.review_ids() == ids(others), log[at]
    assert set(endings) == {"NoneType", "LeaseLost"}


def _operations(world: IcebergWorld, archive) -> list[str]:
    """The operations of one undisturbed run, reads and the commit among them."""
    counted = PausingStore(world.store(), at=None)
    publish(world, archive, 2, counted)
    world.reset()
    return counted.log


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


def test_rows_that_another_writer_added_are_refused_and_files_that_were_compacted_are_not(world):
    append(world, "2024-01-02")
    with pytest.raises(TableError, match="found 1 files that reviewmine did not write, such as table/data/"):
        world.live(world.store()).prepare()
    world.table().delete("review_id = 'theirs'")
    world.live(world.store()).prepare()


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
