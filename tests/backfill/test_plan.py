"""Plans: fresh, missing, stale and why, gone, blocked; for an archive's own keys and for derived ones."""

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archives import corrupt, reviews, truncate, write_files
from backfill_world import World
from partition_world import run_id

from reviewmine.backfill.plan import Planner
from reviewmine.backfill.selection import Selection
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.errors import ArchiveError, ContractError, TableError, UsageError
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.archive import Archive
from reviewmine.store.table import Table

UNDATED = f"review_month={NULL_VALUE}"


@pytest.fixture
def daily(tmp_path: Path) -> World:
    """Two days of three files."""
    return World(tmp_path).write(
        {
            "dt=2024-01-01/a.parquet": reviews(["a1", "a2"]),
            "dt=2024-01-01/b.parquet": reviews(["b1"]),
            "dt=2024-01-02/c.parquet": reviews(["c1", "c1"]),
        }
    )


@pytest.fixture
def dated(tmp_path: Path) -> World:
    """A flat archive whose months are derived: `a` lies in January and February, `b` in February alone."""
    return World(tmp_path, partition_by="month").write(
        {
            "a.parquet": reviews(["a1", "a2"], ["2024-01-31", "2024-02-01"]),
            "b.parquet": reviews(["b1"], ["2024-02-02"]),
        }
    )


def only_partition(world: World):
    (planned,) = world.plan().partitions
    return planned


class TestOwnKeys:
    def test_what_was_never_published_is_missing_with_its_files_and_fragments(self, daily):
        first, second = daily.plan().partitions
        assert (str(first.partition), first.state, first.is_due) == ("dt=2024-01-01", "missing", True)
        assert [(file.path, file.num_rows) for file in first.inputs] == [
            ("dt=2024-01-01/a.parquet", 2),
            ("dt=2024-01-01/b.parquet", 1),
        ]
        assert [fragment.path for fragment in second.fragments] == ["dt=2024-01-02/c.parquet"]

    def test_what_was_published_is_fresh_and_is_not_looked_into(self, daily):
        daily.run()
        plan = daily.plan()
        assert [planned.state for planned in plan.partitions] == ["fresh", "fresh"]
        assert plan.due() == ()
        assert plan.count("fresh") == 2
        assert all(planned.fragments == () for planned in plan.partitions)

    def test_a_changed_file_makes_its_partition_stale_and_no_other(self, daily):
        daily.run()
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c1", "c2", "c3"])})
        assert daily.states() == {"dt=2024-01-01": "fresh", "dt=2024-01-02": "stale: archive changed"}

    def test_a_new_file_and_a_vanished_one_make_their_partitions_stale(self, daily):
        daily.run()
        daily.write({"dt=2024-01-02/d.parquet": reviews(["d1"])})
        (daily.root / "dt=2024-01-01" / "b.parquet").unlink()
        assert set(daily.states().values()) == {"stale: archive changed"}

    def test_another_checkpoint_makes_everything_stale_and_says_so(self, daily):
        daily.run()
        assert set(daily.states(checkpoint="two").values()) == {"stale: checkpoint changed (full pass)"}

    def test_every_reason_is_told(self, daily):
        daily.run()
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c9"])})
        daily.carry = ["review_id_of_elsewhere"]
        daily.write({"dt=2024-01-02/d.parquet": reviews(["d"], review_id_of_elsewhere=[1])})
        told = "stale: archive changed: carried columns changed (no new model work): checkpoint changed (full pass)"
        assert daily.states(checkpoint="two")["dt=2024-01-02"] == told

    def test_a_live_file_that_is_missing_or_cut_short_makes_its_partition_stale(self, daily):
        daily.run()
        first, *_, last = sorted(daily.live_files())
        daily.table.store.delete(first)
        daily.table.store.put(last, b"short")
        assert set(daily.states().values()) == {"stale: live files are missing"}

    def test_a_file_that_a_killed_zombie_left_among_the_live_ones_makes_its_partition_stale(self, daily):
        daily.run()
        live = sorted(daily.live_files())[0]
        stray = live.rpartition("/")[0] + f"/{run_id(1)}-0-00000.parquet"
        daily.table.store.copy(live, stray)
        assert daily.states()["dt=2024-01-01"] == "stale: files of an earlier run lie about"
        daily.run()
        assert daily.num_done() == 0
        daily.judge({"dt=2024-01-01": ["a1", "a2", "b1"], "dt=2024-01-02": ["c1", "c1"]})

    def test_a_file_that_a_live_writer_is_just_putting_makes_nothing_stale(self, daily):
        daily.run()
        live = sorted(daily.live_files())[0]
        daily.table.store.copy(live, live.rpartition("/")[0] + f"/{run_id(1)}-99-00000.parquet")
        assert set(daily.states().values()) == {"fresh"}

    def test_a_partition_whose_folder_vanished_is_gone_and_not_due(self, daily):
        daily.run()
        shutil.rmtree(daily.root / "dt=2024-01-01")
        plan = daily.plan()
        assert [(str(p.partition), p.state) for p in plan.partitions] == [
            ("dt=2024-01-01", "gone"),
            ("dt=2024-01-02", "fresh"),
        ]
        assert plan.due() == ()

    def test_a_range_with_other_carried_columns_than_the_rest_of_the_table_is_refused(self, daily):
        daily.run()
        daily.carry = ["rating"]
        daily.write({"dt=2024-01-02/d.parquet": reviews(["d"], rating=[1])})
        with pytest.raises(
            TableError, match=r"dt=2024-01-01, .*carries no columns; this run would carry rating"
        ):
            daily.plan("2024-01-02..")
        assert set(daily.states().values()) == {
            "stale: archive changed: carried columns changed (no new model work)",
            "stale: carried columns changed (no new model work)",
        }

    def test_a_limit_with_other_carried_columns_than_what_it_leaves_is_refused(self, daily):
        daily.write({"dt=2024-01-01/d.parquet": reviews(["d"], rating=[1])})
        daily.run()
        daily.carry = ["rating"]
        with pytest.raises(TableError, match=r"dt=2024-01-02, which is left out, carries no columns"):
            daily.plan(selection=Selection(max_partitions=1))
        assert len(daily.plan(selection=Selection(max_partitions=2)).due()) == 2

    def test_a_gone_partition_with_other_columns_is_named_and_can_be_pruned(self, daily):
        daily.run()
        shutil.rmtree(daily.root / "dt=2024-01-01")
        daily.carry = ["rating"]
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c1"], rating=[1])})
        with pytest.raises(
            TableError, match=r"dt=2024-01-01, which is gone from the archive, carries no columns; .*--prune"
        ):
            daily.run()
        with pytest.raises(TableError, match=r"dt=2024-01-01, which is gone"):
            daily.plan("2024-01-02..")
        daily.run(selection=Selection(prune=True))
        daily.judge({"dt=2024-01-02": ["c1"]})
        assert daily.states() == {"dt=2024-01-02": "fresh"}

    def test_a_partition_that_cannot_be_read_keeps_others_from_getting_other_columns(self, daily):
        daily.run()
        truncate(daily.root / "dt=2024-01-01" / "a.parquet")
        daily.carry = ["rating"]
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c1"], rating=[1])})
        with pytest.raises(
            TableError, match=r"dt=2024-01-01, of which a file cannot be read, carries no columns"
        ):
            daily.plan()

    def test_a_partition_that_breaks_the_contract_keeps_others_from_getting_other_columns(self, daily):
        daily.run()
        write_files(daily.root, {"dt=2024-01-01/a.parquet": reviews(["x"]).rename_columns(["id", "body"])})
        daily.carry = ["rating"]
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c1"], rating=[1])})
        with pytest.raises(
            TableError,
            match=r"dt=2024-01-01, which cannot be published \(.*a\.parquet: found id, body; .*\), carries no columns",
        ):
            daily.plan()

    def test_a_gone_partition_is_emptied_where_pruning_is_asked_for_and_comes_back_with_its_files(
        self, daily, tmp_path
    ):
        daily.run()
        shutil.move(daily.root / "dt=2024-01-01", tmp_path / "away")
        assert daily.states(selection=Selection(prune=True)) == {
            "dt=2024-01-01": "pruned: gone from the archive",
            "dt=2024-01-02": "fresh",
        }
        assert daily.states("2024-01-02", selection=Selection(prune=True)) == {"dt=2024-01-02": "fresh"}
        summary = daily.run(selection=Selection(prune=True))
        assert (summary.partitions_published, summary.partitions_gone, daily.num_done()) == (1, 0, 0)
        daily.judge({"dt=2024-01-02": ["c1", "c1"]})
        shutil.move(tmp_path / "away", daily.root / "dt=2024-01-01")
        daily.run()
        daily.judge({"dt=2024-01-01": ["a1", "a2", "b1"], "dt=2024-01-02": ["c1", "c1"]})

    def test_what_a_stale_listing_alone_does_not_show_is_not_pruned(self, daily, monkeypatch):
        daily.run()
        listed = Archive.files
        monkeypatch.setattr(Archive, "files", lambda archive: [f for f in listed(archive) if "c." in f.name])
        states = daily.states(selection=Selection(prune=True))
        assert states == {
            "dt=2024-01-01": "gone: the store still has a file of theirs that its listing lacks: run again",
            "dt=2024-01-02": "fresh",
        }

    def test_a_range_leaves_everything_else_out(self, daily):
        assert list(daily.states("2024-01-02..")) == ["dt=2024-01-02"]
        daily.run("2024-01-02")
        shutil.rmtree(daily.root / "dt=2024-01-02")
        assert daily.states("..2024-01-01") == {"dt=2024-01-01": "missing"}
        assert daily.states("2024-01-02..") == {"dt=2024-01-02": "gone: --prune is not given"}

    def test_an_unreadable_file_is_a_reject_and_blocks_its_partition(self, daily):
        truncate(daily.root / "dt=2024-01-01" / "a.parquet")
        plan = daily.plan()
        assert [str(planned.partition) for planned in plan.partitions] == ["dt=2024-01-02"]
        assert plan.blocked == {Partition((("dt", "2024-01-01"),)): plan.rejects}
        assert [reject.path for reject in plan.rejects] == ["dt=2024-01-01/a.parquet"]
        assert "a.parquet: cannot be read as Parquet" in plan.rejects[0].reason

    def test_an_unreadable_file_out_of_range_is_nobodys_business(self, daily):
        truncate(daily.root / "dt=2024-01-01" / "a.parquet")
        planner = daily.planner("2024-01-02")
        assert len(planner.schemas()) == 2
        plan = planner.plan(daily.result(planner))
        assert (plan.rejects, plan.blocked) == ((), {})

    def test_a_missing_required_column_costs_its_partition_alone_and_the_reason_names_the_file(self, daily):
        write_files(daily.root, {"dt=2024-01-02/c.parquet": reviews(["x"]).rename_columns(["id", "body"])})
        plan = daily.plan()
        assert [str(planned.partition) for planned in plan.partitions] == ["dt=2024-01-01"]
        ((partition, reason),) = plan.failed.items()
        assert str(partition) == "dt=2024-01-02"
        assert re.search(r"dt=2024-01-02/c\.parquet: found id, body; expected .*'review_id'", reason)

    def test_a_required_column_that_every_file_lacks_is_an_error(self, daily):
        lacking = reviews(["x"]).rename_columns(["id", "body"])
        daily.write({f"dt=2024-01-0{day}/{name}.parquet": lacking for day, name in ((1, "a"), (2, "c"))})
        with pytest.raises(ContractError, match=r"a\.parquet: found id, body; expected .*'review_id'"):
            daily.plan()

    def test_a_column_mapping_is_looked_through(self, tmp_path):
        columns = ReviewColumns(review_id="id", body="text")
        renamed = reviews(["x"]).rename_columns(["id", "text"])
        world = World(tmp_path, columns=columns).write({"a.parquet": renamed})
        assert world.states() == {"all": "missing"}

    def test_files_of_one_partition_may_differ_in_optional_columns(self, daily):
        drifted = reviews(["d1"], title=["t"], rating=[5]).select(["rating", "title", "body", "review_id"])
        daily.write({"dt=2024-01-02/d.parquet": drifted})
        assert [f.path for f in daily.plan("2024-01-02").partitions[0].inputs] == [
            "dt=2024-01-02/c.parquet",
            "dt=2024-01-02/d.parquet",
        ]
        daily.run()
        daily.judge({"dt=2024-01-01": ["a1", "a2", "b1"], "dt=2024-01-02": ["c1", "c1", "d1"]})

    def test_an_empty_partition_is_planned_and_published_without_a_file(self, daily):
        daily.write({"dt=2024-01-03/e.parquet": reviews([])})
        empty = daily.plan().partitions[-1]
        assert (empty.state, empty.fragments, empty.inputs[0].num_rows) == ("missing", (), 0)
        daily.run()
        assert daily.states()["dt=2024-01-03"] == "fresh"
        assert not any("2024-01-03" in name for name in daily.live_files())

    def test_a_partition_that_becomes_empty_is_published_as_empty(self, daily):
        daily.run()
        daily.write({"dt=2024-01-02/c.parquet": reviews([])})
        daily.run()
        daily.judge({"dt=2024-01-01": ["a1", "a2", "b1"]})
        shutil.rmtree(daily.root / "dt=2024-01-02")
        assert daily.states() == {"dt=2024-01-01": "fresh"}

    def test_large_row_groups_become_several_fragments(self, tmp_path):
        ids = [str(number) for number in range(45_000)]
        world = World(tmp_path).write({"a.parquet": reviews(ids)}, rows_per_group=45_000)
        assert [fragment.num_rows for fragment in only_partition(world).fragments] == [15_000] * 3

    def test_a_flat_archive_and_a_single_file_are_one_partition(self, tmp_path):
        world = World(tmp_path).write({"a.parquet": reviews(["a1"]), "b.parquet": reviews(["b1"])})
        assert (str(only_partition(world).partition), len(only_partition(world).inputs)) == ("all", 2)
        world.root = world.root / "b.parquet"
        assert [file.path for file in only_partition(world).inputs] == ["b.parquet"]

    def test_escaped_and_null_values_keep_their_folders_from_archive_to_table(self, tmp_path):
        folders = ["brand=A%2FB%20C", "brand=Zürich, 100%25", "brand=A B", f"brand={NULL_VALUE}", "brand="]
        world = World(tmp_path).write({f"{folder}/a.parquet": reviews([folder]) for folder in folders})
        world.run()
        world.judge({folder: [folder] for folder in folders})
        assert set(world.states().values()) == {"fresh"}

    def test_nested_keys_keep_their_order(self, tmp_path):
        world = World(tmp_path).write({"year=2024/month=1/a.parquet": reviews(["a"])})
        assert world.planner().partition_keys == ("year", "month")
        assert list(world.states("year=2024/month=01")) == ["year=2024/month=1"]


class TestSelection:
    def test_the_newest_come_first_where_that_is_asked_for(self, daily):
        newest = daily.plan(selection=Selection(order="newest"))
        assert [str(p.partition) for p in newest.due()] == ["dt=2024-01-02", "dt=2024-01-01"]

    def test_partitions_over_the_limit_are_left_for_later_and_said_to_be(self, daily):
        states = daily.states(selection=Selection(order="newest", max_partitions=1))
        assert states == {
            "dt=2024-01-02": "missing",
            "dt=2024-01-01": "later: missing: over the limit of 1 partitions",
        }

    def test_what_is_fresh_does_not_count_towards_the_limit(self, daily):
        daily.run("2024-01-01")
        assert daily.states(selection=Selection(max_partitions=1)) == {
            "dt=2024-01-01": "fresh",
            "dt=2024-01-02": "missing",
        }

    def test_what_cannot_be_read_does_not_stand_in_the_way_of_what_can(self, daily):
        truncate(daily.root / "dt=2024-01-01" / "a.parquet")
        plan = daily.plan(selection=Selection(max_partitions=1))
        assert [str(p.partition) for p in plan.due()] == ["dt=2024-01-02"]
        assert len(plan.blocked) == 1

    def test_the_files_of_partitions_for_later_are_not_looked_into(self, daily):
        truncate(daily.root / "dt=2024-01-02" / "c.parquet")
        plan = daily.plan(selection=Selection(max_partitions=1))
        assert (plan.rejects, [p.state for p in plan.partitions]) == ((), ["missing", "later"])

    def test_a_partition_with_a_young_file_is_unsettled_until_it_is_old_enough(self, daily):
        two_days = Selection(settled_after=timedelta(days=2))
        old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
        for file in (daily.root / "dt=2024-01-01").iterdir():
            os.utime(file, (old, old))
        states = daily.states(selection=two_days)
        assert states["dt=2024-01-01"] == "missing"
        assert (
            states["dt=2024-01-02"]
            == "unsettled: missing: its newest file is 0 min old, and 2 d are asked for"
        )

    def test_a_fresh_partition_is_fresh_however_young(self, daily):
        daily.run()
        states = daily.states(selection=Selection(settled_after=timedelta(days=2)))
        assert set(states.values()) == {"fresh"}

    def test_a_stale_partition_that_is_left_keeps_its_reason(self, daily):
        daily.run()
        daily.write({"dt=2024-01-02/c.parquet": reviews(["c9"])})
        state = daily.states(selection=Selection(settled_after=timedelta(hours=1)))["dt=2024-01-02"]
        assert state.startswith("unsettled: archive changed: its newest file")

    def test_files_rows_and_bytes_are_told_of_every_partition_as_far_as_they_are_known(self, daily):
        daily.run("2024-01-01")
        fresh, later = daily.plan(selection=Selection(max_partitions=1)).partitions
        assert (fresh.num_files, fresh.num_rows, later.num_files, later.num_rows) == (2, 3, 1, 2)
        assert fresh.num_bytes == sum(f.stat().st_size for f in (daily.root / "dt=2024-01-01").iterdir())

    def test_rows_of_derived_partitions_are_counted_by_their_dates(self, dated):
        dated.write({"c.parquet": reviews(["c1", "c2", "c3"], [None, "2024-02-02", "2024-02-03"])})
        counted = {str(p.partition): p.num_rows for p in dated.plan().partitions}
        assert counted == {"review_month=2024-01": 1, "review_month=2024-02": 4, UNDATED: 1}


class TestDerivedKeys:
    def test_a_file_belongs_to_every_month_that_its_dates_fall_under(self, dated):
        plan = dated.plan()
        assert {str(p.partition): [file.path for file in p.inputs] for p in plan.partitions} == {
            "review_month=2024-01": ["a.parquet"],
            "review_month=2024-02": ["a.parquet", "b.parquet"],
        }
        assert dated.planner().partition_keys == ()

    def test_days_are_derived_in_utc(self, tmp_path):
        rows = reviews(["a"], ["2024-01-31T23:30:00-02:00"])
        world = World(tmp_path, partition_by="day").write({"a.parquet": rows})
        assert list(world.states()) == ["review_day=2024-02-01"]

    def test_undated_rows_have_a_partition_of_their_own(self, dated):
        dated.write({"c.parquet": reviews(["c1", "c2"], [None, "2024-02-02"]), "d.parquet": reviews(["d1"])})
        found = {str(p.partition): [file.path for file in p.inputs] for p in dated.plan().partitions}
        assert found[UNDATED] == ["c.parquet", "d.parquet"]
        dated.run()
        dated.judge(
            {
                "review_month=2024-01": ["a1"],
                "review_month=2024-02": ["a2", "b1", "c2"],
                UNDATED: ["c1", "d1"],
            }
        )

    def test_a_file_without_rows_touches_nothing(self, dated):
        dated.write({"e.parquet": reviews([], [])})
        assert set(dated.states()) == {"review_month=2024-01", "review_month=2024-02"}

    def test_a_range_counts_for_derived_values(self, dated):
        assert list(dated.states("2024-02..")) == ["review_month=2024-02"]

    def test_a_changed_file_makes_stale_what_it_touched_before_and_what_it_touches_now(self, dated):
        dated.write({"z.parquet": reviews(["z1"], ["2024-04-01"])})
        dated.run()
        dated.write({"a.parquet": reviews(["a1", "a2"], ["2024-01-31", "2024-03-01"])})
        assert dated.states() == {
            "review_month=2024-01": "stale: archive changed",
            "review_month=2024-02": "stale: archive changed",
            "review_month=2024-03": "missing",
            "review_month=2024-04": "fresh",
        }
        dated.run()
        dated.judge(
            {
                "review_month=2024-01": ["a1"],
                "review_month=2024-02": ["b1"],
                "review_month=2024-03": ["a2"],
                "review_month=2024-04": ["z1"],
            }
        )

    def test_a_month_that_its_only_file_has_left_is_emptied(self, dated):
        dated.run()
        dated.write({"a.parquet": reviews(["a1", "a2"], ["2024-03-01", "2024-03-02"])})
        assert dated.states()["review_month=2024-01"] == "stale: archive changed"
        dated.run()
        dated.judge({"review_month=2024-02": ["b1"], "review_month=2024-03": ["a1", "a2"]})
        assert dated.states() == {"review_month=2024-02": "fresh", "review_month=2024-03": "fresh"}

    def test_a_month_all_of_whose_files_vanished_is_gone(self, dated):
        dated.run()
        (dated.root / "a.parquet").unlink()
        assert dated.states() == {
            "review_month=2024-01": "gone: --prune is not given",
            "review_month=2024-02": "stale: archive changed",
        }

    def test_nothing_is_pruned_while_a_file_that_may_hold_its_rows_cannot_be_read(self, dated):
        dated.run()
        dated.write({"c.parquet": reviews(["a1", "a2"], ["2024-01-31", "2024-02-01"])})
        (dated.root / "a.parquet").unlink()
        truncate(dated.root / "c.parquet")
        kept = dated.states(selection=Selection(prune=True))
        assert kept["review_month=2024-01"].startswith(
            "gone: a file that may hold some of them cannot be read"
        )
        (dated.root / "c.parquet").unlink()
        pruned = dated.states(selection=Selection(prune=True))
        assert pruned["review_month=2024-01"] == "pruned: gone from the archive"

    def test_a_month_that_left_the_range_is_not_touched(self, dated):
        dated.run()
        dated.write({"a.parquet": reviews(["a1", "a2"], ["2024-03-01", "2024-03-02"])})
        assert dated.states("2024-03..") == {"review_month=2024-03": "missing"}

    @pytest.mark.parametrize("spoil", [truncate, corrupt])
    def test_a_file_that_becomes_unreadable_blocks_the_months_that_hold_its_rows(self, dated, spoil):
        dated.run()
        spoil(dated.root / "a.parquet")
        plan = dated.plan()
        assert [str(partition) for partition in plan.blocked] == [
            "review_month=2024-01",
            "review_month=2024-02",
        ]
        assert [reject.path for reject in plan.rejects] == ["a.parquet"]
        dated.run(max_rejects=1)
        dated.judge({"review_month=2024-01": ["a1"], "review_month=2024-02": ["a2", "b1"]})

    def test_a_file_that_never_was_readable_is_a_reject_and_the_others_are_planned(self, dated):
        truncate(dated.root / "a.parquet")
        plan = dated.plan()
        assert [reject.path for reject in plan.rejects] == ["a.parquet"]
        assert [str(planned.partition) for planned in plan.partitions] == ["review_month=2024-02"]

    def test_a_file_without_a_body_costs_the_months_of_its_dates_alone(self, dated):
        dated.write({"z.parquet": reviews(["z1", "z2"], ["2024-03-01", "2024-03-02"])})
        dated.write(
            {"a.parquet": reviews(["a1"], ["2024-01-31"]).rename_columns(["review_id", "text", "date"])}
        )
        plan = dated.plan()
        assert [str(planned.partition) for planned in plan.partitions] == [
            "review_month=2024-02",
            "review_month=2024-03",
        ]
        ((partition, reason),) = plan.failed.items()
        assert str(partition) == "review_month=2024-01"
        assert re.search(r"a\.parquet: found review_id, text, date; expected a column 'body'", reason)
        assert dated.run().exit_code == 1
        dated.judge({"review_month=2024-02": ["b1"], "review_month=2024-03": ["z1", "z2"]})

    def test_a_file_whose_dates_cannot_be_told_is_a_reject_and_blocks_the_months_that_hold_its_rows(
        self, dated
    ):
        dated.write({"z.parquet": reviews(["z1"], ["2024-03-01"])})
        dated.run()
        dated.write({"a.parquet": reviews(["a1"], date=[20240131])})
        plan = dated.plan()
        assert [str(partition) for partition in plan.blocked] == [
            "review_month=2024-01",
            "review_month=2024-02",
        ]
        assert [str(planned.partition) for planned in plan.partitions] == ["review_month=2024-03"]
        assert "a.parquet: column 'date' is of type int64; expected a date" in plan.rejects[0].reason

    def test_hive_keys_do_not_count_where_keys_are_derived(self, tmp_path):
        world = World(tmp_path, partition_by="day").write({"dt=9/a.parquet": reviews(["a"], ["2024-01-01"])})
        assert list(world.states()) == ["review_day=2024-01-01"]


def test_an_archive_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ArchiveError, match="found no Parquet files"):
        World(tmp_path).planner()


def test_a_range_of_an_archive_without_partitions_is_an_error_that_says_what_to_do(tmp_path):
    world = World(tmp_path).write({"a.parquet": reviews(["a"])})
    with pytest.raises(UsageError, match=r"has no partition keys in its folders; .* --partition-by"):
        world.planner("2024-01")


def test_an_archive_and_a_table_within_each_other_are_refused_before_anything_is_listed(tmp_path):
    with pytest.raises(UsageError, match="lie within each other"):
        Planner(Archive(str(tmp_path)), Table(str(tmp_path / "table")), columns=ReviewColumns())
