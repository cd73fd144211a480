"""Earlier rows: only the reviews that changed go through the model, and nothing that is broken is trusted."""

import logging
import random
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import reviews
from backfill_world import EXPECTED, FIRST, SECOND, World, two_days
from stores import Crash, MemoryStore, StoppingStore

from reviewmine.backfill import earlier as module
from reviewmine.backfill.earlier import EarlierParts, EarlierRows, named_parts
from reviewmine.backfill.work import Task
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.partition import Partition
from reviewmine.store.fragment import Fragment
from reviewmine.store.manifest import live_manifest
from reviewmine.store.parts import Part

IDS = [f"r{number:03}" for number in range(100)]


def edited(rows: pa.Table, *changed: int) -> pa.Table:
    """The same reviews; these rows have another body."""
    bodies = [f"{body}, or not" if n in changed else body for n, body in enumerate(rows["body"].to_pylist())]
    return rows.set_column(rows.column_names.index("body"), "body", pa.array(bodies))


def one_day(tmp_path, **columns) -> World:
    return World(tmp_path).write({f"{FIRST}/a.parquet": reviews(IDS, **columns)})


def by_id(world: World) -> dict[str, dict]:
    return {row["review_id"]: row for row in world.whole_rows()}


def overwritten(body: bytes) -> bytes:
    return body[:200] + b"\0" * 8 + body[208:]


def live(world: World, partition: str):
    return live_manifest(world.table.store, world.table.layout, Partition.of_path(partition))


def named(world: World, task: Task) -> list[Part]:
    """The parts that a task names, in its order."""
    table = world.table
    return [part for one in task.earlier for part in named_parts(table.store, table.layout, one)]


class TestChangedFiles:
    def test_the_reviews_that_changed_are_annotated_and_the_others_carried_over(self, tmp_path):
        world = one_day(tmp_path)
        first = world.run()
        before = by_id(world)
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 7, 70)})
        second = world.run()
        assert world.executor.annotated == ["r007", "r070"]
        assert (second.rows_read, second.rows_carried, second.rows_by_status) == (100, 98, {"empty": 2})
        assert (first.rows_carried, first.rows_by_status) == (0, {"empty": 100})
        after = by_id(world)
        assert {name for name in IDS if after[name] != before[name]} == {"r007", "r070"}
        assert {after["r007"]["run_id"], after["r070"]["run_id"]} == {second.run_id}
        assert after["r000"]["run_id"] == first.run_id

    def test_one_percent_of_three_months_of_many_leaves_the_others_fresh(self, tmp_path):
        months = [f"month={2017 + n // 12}-{1 + n % 12:02}" for n in range(54)]
        files = {f"{m}/a.parquet": reviews([f"{m}-{review}" for review in IDS]) for m in months}
        world = World(tmp_path).write(files)
        world.run()
        chosen = months[5], months[20], months[53]
        world.write({f"{m}/a.parquet": edited(files[f"{m}/a.parquet"], 50) for m in chosen})
        stale = {month for month, state in world.states().items() if state == "stale: archive changed"}
        assert stale == set(chosen)
        summary = world.run()
        assert world.executor.annotated == [f"{month}-r050" for month in chosen]
        assert (summary.rows_read, summary.rows_carried, summary.partitions_fresh) == (300, 297, 51)
        world.judge({month: [f"{month}-{review}" for review in IDS] for month in months})

    def test_everything_that_is_as_it_was_read_is_refreshed(self, tmp_path):
        world = one_day(tmp_path, stars=[1] * 100, product_id=["old"] * 100)
        world.carry = ["stars"]
        world.run()
        again = reviews(IDS[::-1], ["2024-03-01"] * 100, stars=[2] * 100, product_id=["new"] * 100)
        world.write({f"{FIRST}/b.parquet": again})
        (world.root / FIRST / "a.parquet").unlink()
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried) == ([], 100)
        rows = world.whole_rows()
        assert [row["review_id"] for row in rows] == IDS[::-1]
        assert [row["source_row"] for row in rows] == list(range(100))
        seen = {(r["source_file"], r["product_id"], str(r["reviewed_at"])[:10], r["stars"]) for r in rows}
        assert seen == {(f"{FIRST}/b.parquet", "new", "2024-03-01", 2)}

    def test_rows_that_move_to_other_fragments_of_a_file_are_found(self, tmp_path):
        ids = [f"r{number}" for number in range(45_000)]
        world = World(tmp_path).write({"a.parquet": reviews(ids)}, rows_per_group=15_000)
        world.run()
        moved = reviews(["new", *ids[1:9000], "newer", *ids[9000:]])
        world.write({"a.parquet": moved}, rows_per_group=15_000)
        summary = world.run()
        assert world.executor.annotated == ["new", "newer"]
        assert (len(world.executor.outcomes), summary.rows_carried) == (3, 44_999)

    def test_many_small_files_made_into_one_cost_no_model_work(self, tmp_path):
        small = {f"{FIRST}/{n}.parquet": reviews(IDS[n * 10 : n * 10 + 10]) for n in range(10)}
        world = World(tmp_path).write(small)
        world.run()
        for name in small:
            (world.root / name).unlink()
        world.write({f"{FIRST}/all.parquet": reviews(random.Random(1).sample(IDS, 100))})
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried) == ([], 100)
        world.judge({FIRST: IDS})

    def test_a_new_file_takes_what_its_partition_says_of_the_same_text(self, world):
        world.run()
        world.write({f"{FIRST}/new.parquet": reviews(["a1", "n1"])})
        world.run()
        assert world.executor.annotated == ["n1"]
        world.judge({**EXPECTED, FIRST: [*EXPECTED[FIRST], "a1", "n1"]})

    def test_a_row_whose_date_moves_it_to_another_month_is_carried_there(self, tmp_path):
        world = World(tmp_path, partition_by="month")
        world.write({"a.parquet": reviews(["a", "b"], ["2024-01-01", "2024-02-01"])})
        world.run()
        world.write({"a.parquet": reviews(["a", "b"], ["2024-03-01", "2024-02-01"])})
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried) == ([], 2)
        world.judge({"review_month=2024-02": ["b"], "review_month=2024-03": ["a"]})

    def test_a_review_whose_language_is_told_otherwise_is_annotated_again(self, tmp_path):
        world = one_day(tmp_path, language=["en"] * 100)
        world.run()
        told = ["en"] * 98 + ["de", None]  # the text of the last one looks like the English it was said to be
        world.write({f"{FIRST}/a.parquet": reviews(IDS, language=told)})
        world.run()
        assert world.executor.annotated == ["r098"]

    def test_rows_that_failed_are_tried_again(self, tmp_path):
        world = one_day(tmp_path)
        assert world.run(poison={"r003"}).rows_by_status == {"empty": 99, "failed": 1}
        world.write({f"{FIRST}/a.parquet": reviews(IDS, ["2024-01-01"] * 100)})
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried) == (["r003"], 99)
        assert by_id(world)["r003"]["status"] == "empty"

    def test_a_row_that_kills_is_found_among_the_changed_ones_alone(self, tmp_path):
        world = one_day(tmp_path)
        world.run()
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 20, 21)})
        summary = world.run(poison={"r020", "r050"})
        assert (summary.rows_carried, summary.rows_by_status) == (98, {"empty": 1, "failed": 1})
        assert by_id(world)["r020"]["status"] == "failed"

    def test_the_receipt_counts_what_was_carried_over(self, tmp_path):
        world = one_day(tmp_path)
        world.run()
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 1)})
        world.run()
        (outcome,) = world.executor.outcomes
        assert outcome.receipt.num_rows_by_status == {"empty": 100}
        assert outcome.receipt.num_carried_by_status == {"empty": 99}


class TestOtherResults:
    def test_a_further_carried_column_is_added_without_the_model(self, world):
        for name in (f"{FIRST}/a.parquet", f"{SECOND}/c.parquet"):
            rows = pq.read_table(world.root / name, partitioning=None)
            world.write({name: rows.append_column("stars", pa.array([3] * rows.num_rows))})
        world.run()
        world.carry = ["stars"]
        assert set(world.states().values()) == {"stale: carried columns changed (no new model work)"}
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried, summary.partitions_published) == ([], 6, 2)
        assert [row["stars"] for row in world.whole_rows()] == [3, 3, 3, None, 3, 3]
        world.judge(EXPECTED)

    def test_a_column_read_under_another_name_costs_the_model_only_what_it_changes(self, tmp_path):
        world = one_day(tmp_path, asin=["B01"] * 100)
        world.run()
        world.columns = ReviewColumns(product_id="asin")
        world.run()
        assert world.executor.annotated == []
        assert {row["product_id"] for row in world.whole_rows()} == {"B01"}

    def test_another_checkpoint_is_a_full_pass_and_says_so(self, tmp_path):
        world = one_day(tmp_path)
        world.run()
        assert world.states(checkpoint="two") == {FIRST: "stale: checkpoint changed (full pass)"}
        summary = world.run(checkpoint="two")
        assert (world.executor.annotated, summary.rows_carried) == (IDS, 0)

    def test_rows_are_carried_over_again_and_again_under_the_run_that_computed_them(self, tmp_path):
        world = one_day(tmp_path)
        run_ids = [world.run().run_id]
        for number in (1, 2):
            world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), *range(1, number + 1))})
            run_ids.append(world.run().run_id)
        counted = Counter(row["run_id"] for row in world.whole_rows())
        assert counted == dict(zip(run_ids, (98, 1, 1), strict=True))


SPOILERS = {
    "missing": lambda store, name: store.delete(name),
    "cut short": lambda store, name: store.put(name, store.get(name).body[:-20]),
    "other bytes": lambda store, name: store.put(name, overwritten(store.get(name).body)),
    "another file": lambda store, name: store.put(name, b"no Parquet at all"),
    "another table": lambda store, name: pq.write_table(pa.table({"x": [1]}), f"{store.root}/{name}"),
}


class TestBrokenParts:
    @pytest.mark.parametrize("spoiled", SPOILERS)
    def test_the_rows_of_a_part_that_is_not_as_it_was_are_annotated_again_with_a_warning(
        self, tmp_path, caplog, spoiled
    ):
        world = one_day(tmp_path)
        world.run()
        (part,) = live(world, FIRST).parts
        SPOILERS[spoiled](world.table.store, part.name)
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 1)})
        with caplog.at_level(logging.WARNING):
            summary = world.run()
        assert (world.executor.annotated, summary.rows_carried, summary.exit_code) == (IDS, 0, 0)
        assert f"{FIRST}/a.parquet: an earlier part cannot be used" in caplog.text
        world.judge({FIRST: IDS})

    def test_the_rows_of_a_generation_that_is_gone_are_annotated_again_with_a_remark(self, tmp_path):
        world = one_day(tmp_path)
        world.run()
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 1)})
        plan = world.plan()
        ((fragment,),) = (planned.fragments for planned in plan.due())
        task = EarlierParts(plan).task(fragment, [Partition.of_path(FIRST)])
        generation = live(world, FIRST).generation
        world.table.store.delete(world.table.layout.manifest(Partition.of_path(FIRST), generation))
        earlier = EarlierRows(world.job(world.planner()))(task, pa.chunked_array([["some hash"]]))
        assert earlier.rows.num_rows == 0
        assert "an earlier part cannot be used" in earlier.remark
        assert "there is no such manifest" in earlier.remark

    def test_parts_of_tables_that_do_not_say_their_fragment_are_left_alone(self, tmp_path):
        world = one_day(tmp_path)
        world.run()
        store, layout = world.table.store, world.table.layout
        manifest = live(world, FIRST)
        silent = tuple(part.model_copy(update={"fragment": None}) for part in manifest.parts)
        store.put(
            layout.manifest(Partition.of_path(FIRST), manifest.generation),
            manifest.model_copy(update={"parts": silent}).encode(),
        )
        world.write({f"{FIRST}/a.parquet": edited(reviews(IDS), 1)})
        world.run()
        assert world.executor.annotated == IDS

    def test_a_recompute_that_dies_at_any_operation_is_mended_by_the_next(self, tmp_path):
        world = two_days(tmp_path)
        start = world.table.store = MemoryStore()
        first = world.run()
        expected = {FIRST: ["a1", "a2", "a2", "b1"], SECOND: ["c1", "a1"]}
        world.write({f"{FIRST}/a.parquet": edited(reviews(["a1", "a2", "a2"]), 0)})
        counted = world.table.store = StoppingStore(start.twin())
        world.run()
        for at in range(len(counted.log)):
            store = start.twin()
            world.table.store = StoppingStore(store, at=at, how="after")
            with pytest.raises(Crash):
                world.run()
            world.table.store = store
            world.run()
            world.judge(expected)
            runs = [row["run_id"] == first.run_id for row in world.whole_rows()]
            assert runs == [False, True, True, True, True, True], counted.log[at]


class TestWhichParts:
    @staticmethod
    def parts(world: World, path: str, first_row: int, *, num_rows: int = 10) -> list[tuple[str, int]]:
        """File and first row of what is looked through for a fragment of a new state of the file."""
        fragment = Fragment(path=path, etag="new", first_row=first_row, num_rows=num_rows)
        task = EarlierParts(world.plan()).task(fragment, [Partition.of_file(path)])
        found = named(world, task)
        return [(part.fragment.path.rpartition("/")[2], part.fragment.first_row) for part in found]

    @pytest.fixture
    def three_files(self, tmp_path):
        """One day; `a` has four fragments, and is written anew; `b` has gone, `c` stays."""
        ids = [f"r{number}" for number in range(80_000)]
        world = World(tmp_path).write({f"{FIRST}/a.parquet": reviews(ids)}, rows_per_group=20_000)
        world.write({f"{FIRST}/b.parquet": reviews(IDS), f"{FIRST}/c.parquet": reviews(IDS)})
        world.run()
        world.write({f"{FIRST}/a.parquet": reviews(ids)}, rows_per_group=20_000)
        (world.root / FIRST / "b.parquet").unlink()
        return world

    def test_the_likeliest_come_first(self, three_files):
        near = [("a.parquet", 20_000), ("a.parquet", 40_000), ("a.parquet", 60_000), ("a.parquet", 0)]
        others = [("b.parquet", 0), ("c.parquet", 0)]
        assert self.parts(three_files, f"{FIRST}/a.parquet", 39_000) == [*near, *others]
        of_a = [("a.parquet", row) for row in (0, 20_000, 40_000, 60_000)]
        found = self.parts(three_files, f"{FIRST}/d.parquet", 0)
        assert (sorted(found[:5]), found[5:]) == (sorted([*of_a, ("b.parquet", 0)]), [("c.parquet", 0)])

    def test_no_fragment_looks_through_the_whole_of_a_large_partition(self, three_files, monkeypatch):
        monkeypatch.setattr(module, "MAX_EARLIER_ROWS", 40_000)
        assert len(self.parts(three_files, f"{FIRST}/a.parquet", 0)) == 2
        monkeypatch.setattr(module, "MAX_EARLIER_PARTS", 0)
        assert self.parts(three_files, f"{FIRST}/a.parquet", 0) == [("a.parquet", 0)]
        assert self.parts(three_files, f"{FIRST}/d.parquet", 0) == []

    def test_a_fragment_of_many_days_finds_its_rows_in_all_of_them(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "MAX_EARLIER_PARTS", 4)
        world = World(tmp_path, partition_by="day")
        days = [f"2024-01-{1 + number % 20:02}" for number in range(100)]
        world.write({"a.parquet": reviews(IDS, days)})
        world.run()
        world.write({"a.parquet": edited(reviews(IDS, days), 7)})
        summary = world.run()
        assert (world.executor.annotated, summary.rows_carried) == (["r007"], 99)

    def test_what_is_not_looked_through_is_remarked_on_where_reviews_are_not_found(
        self, tmp_path, monkeypatch, caplog
    ):
        monkeypatch.setattr(module, "MAX_EARLIER_PARTS", 4)
        small = {f"{FIRST}/{n}.parquet": reviews(IDS[n * 10 : n * 10 + 10]) for n in range(10)}
        world = World(tmp_path).write(small)
        world.run()
        for name in small:
            (world.root / name).unlink()
        world.write({f"{FIRST}/all.parquet": reviews(IDS)})
        with caplog.at_level(logging.WARNING):
            assert world.run().rows_carried == 40
        assert f"{FIRST}/all.parquet: 60 reviews are annotated though parts of earlier states" in caplog.text

    def test_what_stays_beside_it_is_not_remarked_on(self, world, monkeypatch, caplog):
        world.run()
        monkeypatch.setattr(module, "MAX_EARLIER_PARTS", 1)
        world.write({f"{FIRST}/new.parquet": reviews(["n1"])})
        with caplog.at_level(logging.WARNING):
            world.run()
        assert caplog.text == ""

    def test_a_task_names_many_parts_in_few_bytes(self, tmp_path):
        files = {f"{FIRST}/{n}.parquet": reviews([f"r{n}"]) for n in range(100)}
        world = World(tmp_path).write(files)
        world.run()
        world.write({f"{FIRST}/new.parquet": reviews(["new"])})
        fragment = Fragment(path=f"{FIRST}/new.parquet", etag="new", first_row=0, num_rows=10)
        task = EarlierParts(world.plan()).task(fragment, [Partition.of_path(FIRST)])
        assert len(named(world, task)) == 100
        assert len(task.encode()) < 1500

    def test_a_fragment_that_did_not_change_looks_at_its_own_parts_alone(self, three_files):
        (part,) = [
            part for part in live(three_files, FIRST).parts if part.fragment.path.endswith("c.parquet")
        ]
        task = EarlierParts(three_files.plan()).task(part.fragment, [Partition.of_path(FIRST)])
        assert named(three_files, task) == [part]

    def test_another_day_is_not_looked_at(self, world):
        world.run()
        world.write({f"{SECOND}/d.parquet": reviews(["d"])})
        assert self.parts(world, f"{SECOND}/d.parquet", 0) == [("c.parquet", 0)]
