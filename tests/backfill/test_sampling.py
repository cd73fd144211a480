"""Sampling: every row as likely as any other, spread over all fragments, and ratios that hold for the whole."""

import numpy as np
import pyarrow as pa
import pytest
from archives import reviews, truncate
from backfill_world import World, num_words

from reviewmine.backfill.sampling import SAMPLE_ROWS, blocks, measure_tokens
from reviewmine.errors import ArchiveError
from reviewmine.store.fragment import Fragment


def fragments(*num_rows: int, first_row: int = 0) -> list[Fragment]:
    return [Fragment(path=f"{i}", etag="e", first_row=first_row, num_rows=n) for i, n in enumerate(num_rows)]


def rows_in(probes) -> int:
    return sum(end - first for first, end in (probe.span for probe in probes))


@pytest.mark.parametrize(
    "sizes", [(20_000,) * 50, (20_000,), (3,) * 5000, (700,), (1, 20_000, 0, 5), (15,) * 40]
)
def test_a_sample_has_the_rows_asked_for_within_their_fragments(sizes):
    probes = blocks(fragments(*sizes, first_row=100), num_rows=SAMPLE_ROWS)
    assert len(set(probes)) == len(probes)
    assert rows_in(probes) >= 500
    for probe in probes:
        assert 100 <= probe.span[0] < probe.span[1] <= 100 + probe.fragment.num_rows


def test_fewer_rows_than_asked_for_are_all_taken_once():
    probes = blocks(fragments(20, 30), num_rows=SAMPLE_ROWS)
    covered = {(probe.fragment.path, row) for probe in probes for row in range(*probe.span)}
    assert len(covered) == 50


def test_nothing_is_sampled_of_nothing():
    assert blocks([], num_rows=SAMPLE_ROWS) == blocks(fragments(0), num_rows=SAMPLE_ROWS) == []


def test_a_sample_is_spread_evenly_and_the_same_each_time():
    probes = blocks(fragments(*(1000,) * 40), num_rows=SAMPLE_ROWS)
    assert [probe.fragment.path for probe in probes] == [str(number) for number in range(40)]
    assert probes == blocks(fragments(*(1000,) * 40), num_rows=SAMPLE_ROWS)
    assert probes != blocks(fragments(*(1000,) * 40), num_rows=SAMPLE_ROWS, seed=1)


def varied(num_rows: int, *, seed: int, repeat: int = 1) -> pa.Table:
    """Reviews whose bodies have 1 to 200 words, each of them `repeat` times."""
    lengths = np.random.default_rng(seed).integers(1, 200, num_rows // repeat)
    bodies = [" ".join(f"word{i * n % 97}" for i in range(n)) for n in lengths] * repeat
    return reviews([str(n) for n in range(num_rows)]).set_column(1, "body", pa.array(bodies))


@pytest.mark.parametrize("repeat", [1, 50], ids=["distinct bodies", "bodies stored once and used often"])
def test_the_ratio_times_the_footers_bytes_is_near_the_tokens_of_the_whole(tmp_path, repeat):
    tables = {f"{n}.parquet": varied(2000, seed=n, repeat=repeat) for n in range(8)}
    world = World(tmp_path).write(tables)
    planner = world.planner()
    plan = planner.plan(world.result(planner))
    (planned,) = plan.partitions
    stored = {file.path: planner.body_bytes(file.path) for file in planned.inputs}
    rate = measure_tokens(
        world.job(planner),
        blocks(planned.fragments, num_rows=SAMPLE_ROWS),
        num_words,
        lambda fragment: stored[fragment.path] / 2000,
    )
    actual = sum(int(num_words(table).sum()) for table in tables.values())
    assert rate.per_byte.times(sum(stored.values())).holds(actual)
    assert rate.per_byte.expected * sum(stored.values()) == pytest.approx(actual, rel=0.1)
    assert (rate.num_rows, rate.num_blocks) == (600, 40)


def test_a_file_that_cannot_be_read_is_passed_over_unless_none_can(tmp_path):
    world = World(tmp_path).write({"a.parquet": varied(50, seed=1), "b.parquet": varied(50, seed=2)})
    planner = world.planner()
    (planned,) = planner.plan(world.result(planner)).partitions
    probes = blocks(planned.fragments, num_rows=SAMPLE_ROWS)
    truncate(world.root / "a.parquet")
    rate = measure_tokens(world.job(planner), probes, num_words, lambda fragment: 500.0)
    assert 0 < rate.num_rows <= 50
    truncate(world.root / "b.parquet")
    with pytest.raises(ArchiveError):
        measure_tokens(world.job(planner), probes, num_words, lambda fragment: 500.0)


def test_bodies_without_a_byte_have_no_tokens(tmp_path):
    empty = reviews(["a", "b"]).set_column(1, "body", pa.array([None, ""], pa.string()))
    world = World(tmp_path).write({"a.parquet": empty})
    planner = world.planner()
    (planned,) = planner.plan(world.result(planner)).partitions
    rate = measure_tokens(
        world.job(planner), blocks(planned.fragments, num_rows=10), num_words, lambda fragment: 1.0
    )
    assert rate.per_byte == (0, 0, 0)
