"""Inputs: what a listing leaves out, and the store still has, is no less of the archive."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from archives import reviews
from backfill_world import EXPECTED, FIRST, SECOND, World
from stores import WrappedStore

from reviewmine.backfill.selection import Selection
from reviewmine.errors import StoreError
from reviewmine.store import archive as archives
from reviewmine.store.filesystem import Listed, Store


class ShortListings(WrappedStore):
    """Leaves the names of `lacking` out of its listings, and keeps what was looked up by name in `asked`."""

    def __init__(self, store: Store, lacking: Collection[str], asked: list[str]) -> None:
        super().__init__(store)
        self._lacking = lacking
        self._asked = asked

    def stat(self, name: str) -> Listed | None:
        self._asked.append(name)
        return super().stat(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        return (file for file in super().list(prefix) if file.name not in self._lacking)


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> set[str]:
    """The files that listings of archives leave out."""
    names: set[str] = set()
    opened = archives.open_store
    monkeypatch.setattr(
        archives, "open_store", lambda location: ShortListings(opened(location), names, asked)
    )
    return names


@pytest.fixture
def asked() -> list[str]:
    """The files of archives that were looked up by name."""
    return []


@pytest.fixture
def dated(tmp_path: Path) -> World:
    """A flat archive by month: `a` lies in January and February, `b` in February, `c` in March and April."""
    return World(tmp_path, partition_by="month").write(
        {
            "a.parquet": reviews(["a1", "a2"], ["2024-01-31", "2024-02-01"]),
            "b.parquet": reviews(["b1"], ["2024-02-02"]),
            "c.parquet": reviews(["c1", "c2"], ["2024-03-01", "2024-04-01"]),
        }
    )


MONTHS = {
    "review_month=2024-01": ["a1"],
    "review_month=2024-02": ["a2", "b1"],
    "review_month=2024-03": ["c1"],
    "review_month=2024-04": ["c2"],
}


def test_a_file_that_only_the_listing_lacks_keeps_its_partition_fresh_and_is_told(world, lacking, caplog):
    world.run()
    lacking.add(f"{FIRST}/a.parquet")
    assert world.states() == {FIRST: "fresh", SECOND: "fresh"}
    assert caplog.messages == [
        f"{world.root}: the store has {FIRST}/a.parquet, which its listing lacks; taken as found"
    ]


def test_no_row_is_lost_where_a_partition_is_rerun_from_a_short_listing(world, lacking):
    world.run()
    lacking.add(f"{FIRST}/b.parquet")
    assert world.run(checkpoint="two").exit_code == 0
    world.judge(EXPECTED)


def test_a_file_that_changed_and_is_not_listed_is_taken_as_it_is(world, lacking):
    world.run()
    world.write({f"{FIRST}/a.parquet": reviews(["a7", "a8", "a9"])})
    lacking.add(f"{FIRST}/a.parquet")
    assert world.states()[FIRST] == "stale: archive changed"
    world.run()
    world.judge(EXPECTED | {FIRST: ["a7", "a8", "a9", "b1"]})


def test_a_name_that_may_not_be_looked_at_is_taken_for_gone_and_told(world, lacking, monkeypatch, caplog):
    """S3 answers so of a name that is not there, where listing is allowed below a prefix alone."""

    def refuse(store: ShortListings, name: str) -> None:
        raise StoreError(f"{name}: AccessDenied: this identity may not; check its policy")

    world.run()
    lacking.add(f"{FIRST}/a.parquet")
    monkeypatch.setattr(ShortListings, "stat", refuse)
    assert world.states() == {FIRST: "stale: archive changed", SECOND: "fresh"}
    (told,) = caplog.messages
    assert told.startswith(f"{FIRST}/a.parquet: AccessDenied")
    assert told.endswith("; it is taken for gone, as the listing says")


def test_a_file_that_is_gone_is_looked_up_once_and_leaves_its_partition(world, lacking, asked):
    world.run()
    (world.root / FIRST / "a.parquet").unlink()
    asked.clear()
    assert world.states() == {FIRST: "stale: archive changed", SECOND: "fresh"}
    assert asked == [f"{FIRST}/a.parquet"]
    world.run()
    world.judge(EXPECTED | {FIRST: ["b1"]})


def test_nothing_is_looked_up_where_the_listing_lacks_nothing_or_a_whole_partition(world, lacking, asked):
    world.run()
    lacking.add(f"{SECOND}/c.parquet")
    asked.clear()
    assert world.states() == {FIRST: "fresh", SECOND: "gone: --prune is not given"}
    world.write({f"{FIRST}/z.parquet": reviews(["z"])})
    assert world.states()[FIRST] == "stale: archive changed"
    assert asked == []


def test_what_lies_out_of_range_is_not_looked_up(world, lacking, asked):
    world.run()
    lacking.add(f"{FIRST}/a.parquet")
    asked.clear()
    assert world.states("2024-01-02") == {SECOND: "fresh"}
    assert asked == []


@pytest.mark.parametrize("name", ["a.parquet", "b.parquet"])
def test_an_unlisted_file_is_found_in_every_month_of_its_dates(dated, lacking, name):
    dated.run()
    lacking.add(name)
    states = dated.states()
    assert states["review_month=2024-02"] == "fresh"
    assert states["review_month=2024-03"] == "fresh"
    assert dated.run(checkpoint="two").exit_code == 0
    dated.judge(MONTHS)


def test_a_month_that_one_file_has_left_keeps_the_rows_of_another_that_is_not_listed(dated, lacking):
    dated.run()
    dated.write({"a.parquet": reviews(["a1"], ["2024-01-31"])})
    lacking.add("b.parquet")
    assert dated.states()["review_month=2024-02"] == "stale: archive changed"
    dated.run()
    dated.judge(MONTHS | {"review_month=2024-02": ["b1"]})


def test_a_found_file_that_reaches_into_another_month_has_that_ones_files_looked_up_too(tmp_path, lacking):
    world = World(tmp_path, partition_by="month").write(
        {
            "a.parquet": reviews(["a1"], ["2024-01-31"]),
            "b.parquet": reviews(["b1", "b2"], ["2024-01-31", "2024-02-01"]),
            "c.parquet": reviews(["c1"], ["2024-02-01"]),
        }
    )
    world.run()
    lacking.update({"b.parquet", "c.parquet"})
    assert set(world.states().values()) == {"fresh"}


def test_pruning_takes_nothing_that_only_the_listing_lacks(dated, lacking):
    dated.run()
    lacking.update({"a.parquet", "c.parquet"})
    dated.run(selection=Selection(prune=True))
    dated.judge(MONTHS)


def test_one_file_that_is_asked_for_alone_is_not_joined_by_its_neighbours(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews(["a1"]), "b.parquet": reviews(["b1"])})
    world.run()
    world.root = world.root / "b.parquet"
    world.run()
    world.judge({"all": ["b1"]})
