"""The stages in this process, without Ray: rows that are carried over meet the network no second time."""

from pathlib import Path

import pyarrow as pa
import pytest
from archives import reviews
from backfill_world import FIRST, World
from staged import Staged, model_of

IDS = [f"r{number:02}" for number in range(40)]


@pytest.fixture
def world(tmp_path: Path, tiny_checkpoint: Path) -> World:
    model = model_of(tiny_checkpoint)
    world = World(tmp_path, execute=lambda job: Staged(job, model))
    return world.write({f"{FIRST}/a.parquet": reviews(IDS)})


def without_lineage(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in ("source_file", "source_row")}


def test_changed_rows_alone_meet_the_network_and_stand_in_the_order_of_the_file(world):
    first = world.run()
    before = world.whole_rows()
    assert world.executor.annotated == IDS
    world.write({f"{FIRST}/a.parquet": reviews([*IDS[:10], "new", *IDS[10:]])})
    second = world.run()
    assert world.executor.annotated == ["new"]
    assert (second.rows_annotated, second.rows_carried) == (1, 40)
    after = world.whole_rows()
    assert [row["review_id"] for row in after] == [*IDS[:10], "new", *IDS[10:]]
    kept = [without_lineage(row) for row in after if row["review_id"] != "new"]
    assert kept == [without_lineage(row) for row in before]
    assert {row["run_id"] for row in before} == {first.run_id}
    assert after[10]["run_id"] == second.run_id


def test_a_fragment_of_known_rows_alone_is_written_without_the_network(world):
    world.run()
    before = world.whole_rows()
    world.write({f"{FIRST}/a.parquet": reviews(IDS, stars=[1] * 40)})
    world.carry = ["stars"]
    summary = world.run()
    assert (world.executor.annotated, summary.rows_carried) == ([], 40)
    assert world.whole_rows() == [row | {"stars": 1} for row in before]


def test_a_carried_row_is_the_row_that_would_be_computed_again(world, tmp_path, tiny_checkpoint):
    world.run()
    changed = reviews(IDS).set_column(
        1, "body", pa.array([f"{name} is good" for name in IDS[:5]] + [None] * 35)
    )
    world.write({f"{FIRST}/a.parquet": pa.concat_tables([reviews(IDS), changed])})
    world.run()
    carried_over = world.whole_rows()
    afresh = World(tmp_path / "afresh", execute=world.execute)
    afresh.root = world.root
    afresh.run()
    unstamped = ("run_id", "annotated_at")
    for one, another in zip(carried_over, afresh.whole_rows(), strict=True):
        for name in one.keys() - set(unstamped):
            assert one[name] == (
                pytest.approx(another[name]) if isinstance(one[name], float) else another[name]
            )
