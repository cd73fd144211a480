"""Prints what a run over an edited archive sends through the model; it stops where a promise is broken.

The reviews of one Parquet file become an archive with a partition for each month. It is annotated; then some rows of
some months are edited, and it is annotated again; at last a carried column is added. Every time the table is compared
with the archive as a multiset. A folder that is named is used again by the next call, which goes on where the last
one was stopped.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from backfill_world import Watching, World
from staged import Staged, model_of
from tiny_checkpoint import make_checkpoint

from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
from reviewmine.backfill.summary import Summary
from reviewmine.contract.reviews import ReviewColumns, conform
from reviewmine.demo.partitioned import write_archive
from reviewmine.distributed.main_job import annotate
from reviewmine.distributed.stages import Model
from reviewmine.partition import Partition
from reviewmine.store.archive import Archive

COMPARED = ("review_id", "product_id", "reviewed_at", "input_hash")
MIN_ROWS = 100
"""A file with fewer rows has no row that is one percent of them."""

Rows = Counter[tuple[object, ...]]


class Bench:
    """An archive, its table, and the runs between them: by the stages in this process, or on Ray."""

    def __init__(self, folder: Path, model: Model, *, on_ray: bool) -> None:
        self.world = World(folder, execute=lambda job: Staged(job, model))
        self._model = model
        self._on_ray = on_ray

    def run(self, what: str) -> tuple[set[str], Summary]:
        """The partitions that were stale, and the summary; RuntimeError unless the table is the archive then."""
        states = self.world.states(checkpoint=self._model.digest)
        stale = {partition for partition, state in states.items() if state.startswith("stale")}
        summary = self._annotate()
        found, num_of_run = self._in_table(summary.run_id)
        print(
            f"{what}: {summary.partitions_fresh} partitions fresh, {len(stale)} stale, "
            f"{summary.partitions_published} published; {summary.rows_read:,} rows read, {summary.rows_reused:,} of "
            f"standing receipts, {summary.rows_carried:,} carried over, {through_model(summary):,} through the model; "
            f"{num_of_run:,} of {found.total():,} rows of the table bear the run's id; {summary.seconds:.0f} s",
            flush=True,
        )
        if found != self._in_archive():
            raise RuntimeError(f"{what}: the table is not the archive")
        return stale, summary

    def _annotate(self) -> Summary:
        if not self._on_ray:
            return self.world.run(checkpoint=self._model.digest)
        settings = AnnotateSettings(
            archive=str(self.world.root),
            table=self.world.table.uri,
            checkpoint=self._model.checkpoint,
            carry=tuple(self.world.carry),
            pool=PoolSettings(num_actors=1),
        )
        return annotate(settings, Watching())

    def _in_archive(self) -> Rows:
        """Month and COMPARED of every review."""
        archive = Archive(str(self.world.root))
        found: Rows = Counter()
        for file in archive.files():
            rows = pq.read_table(archive.store.open(file.name))
            found.update(_rows(file.name, conform(rows, ReviewColumns(), where=file.name)))
        return found

    def _in_table(self, run_id: str) -> tuple[Rows, int]:
        """Month and COMPARED of every row that a reader sees, and how many of them the run of this id computed."""
        table = self.world.table
        found: Rows = Counter()
        num_of_run = 0
        for name in table.live_sizes():
            rows = pq.read_table(table.store.open(name))
            found.update(_rows(name, rows))
            num_of_run += rows["run_id"].to_pylist().count(run_id)
        return found, num_of_run


def _rows(name: str, rows: pa.Table) -> list[tuple[object, ...]]:
    columns = (rows[column].to_pylist() for column in COMPARED)
    return [(str(Partition.of_file(name)), *row) for row in zip(*columns, strict=True)]


def through_model(summary: Summary) -> int:
    """Rows that were neither carried over nor of a receipt that stood."""
    return sum(summary.rows_by_status.values())


def edit(root: Path, *, num_months: int, share: float, seed: int) -> dict[str, tuple[int, int]]:
    """Edit the body of this share of the rows of a file in some months; rows edited and rows in all, by month."""
    chance = np.random.default_rng(seed)
    large = [path for path in sorted(root.rglob("*.parquet")) if pq.read_metadata(path).num_rows >= MIN_ROWS]
    by_month = {path.parent.name: path for path in large}
    changed = {}
    for month in sorted(chance.choice(sorted(by_month), num_months, replace=False).tolist()):
        reviews = pq.read_table(by_month[month], partitioning=None)
        rows = set(chance.choice(reviews.num_rows, int(reviews.num_rows * share), replace=False).tolist())
        bodies = [
            f"{body} (edited)" if row in rows else body
            for row, body in enumerate(reviews["body"].to_pylist())
        ]
        column = reviews.column_names.index("body")
        edited = reviews.set_column(column, "body", pa.array(bodies, reviews.schema.field("body").type))
        pq.write_table(edited, by_month[month])
        changed[month] = (len(rows), reviews.num_rows)
    return changed


def bench(folder: Path, options: argparse.Namespace) -> None:
    """The three runs, and what must be so of the second and the third."""
    checkpoint, archive = folder / "tiny" / "checkpoint", folder / "archive"
    if options.checkpoint is None and not checkpoint.exists():
        make_checkpoint(folder / "tiny")
    if not archive.exists():
        reviews = pq.read_table(options.archive, partitioning=None).slice(0, options.rows)
        write_archive(reviews, archive, partition_by="month", files_per_partition=options.files)
    runs = Bench(folder, model_of(options.checkpoint or checkpoint), on_ray=options.ray)
    runs.run("at first")
    changed = edit(archive, num_months=options.months, share=options.share, seed=options.seed)
    stale, summary = runs.run("edited")
    num_edited, num_rows = (sum(counts) for counts in zip(*changed.values(), strict=True))
    told = ", ".join(f"{month} ({edited} of {rows} rows)" for month, (edited, rows) in changed.items())
    share = through_model(summary) / num_rows
    print(f"edited were {told}; {through_model(summary)} of {num_rows:,} rows through the model, {share:.2%}")
    if stale != set(changed):
        raise RuntimeError(f"stale are {sorted(stale)}, edited were {sorted(changed)}")
    if through_model(summary) > num_edited:
        raise RuntimeError(f"{num_edited} rows were edited, and more went through the model")
    runs.world.carry = ["rating"]
    _, summary = runs.run("another carried column")
    if through_model(summary):
        raise RuntimeError("a carried column cost work of the model")
    print("every table was its archive; no promise was broken")


def main() -> None:
    """What --help says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="a Parquet file of reviews with dates and a rating")
    parser.add_argument("--folder", type=Path, help="where to work, and to go on; by default a temporary one")
    parser.add_argument("--rows", type=int, help="the first rows of the file alone")
    parser.add_argument("--files", type=int, default=1, help="files of each month; one of them is edited")
    parser.add_argument("--months", type=int, default=3, help="how many months are edited")
    parser.add_argument("--share", type=float, default=0.01, help="the share of their rows that is edited")
    parser.add_argument(
        "--checkpoint", type=Path, help="by default a tiny one, made here, that knows nothing"
    )
    parser.add_argument(
        "--ray", action="store_true", help="the main job on Ray, not its stages in this process"
    )
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bench(options.folder or Path(temporary), options)


if __name__ == "__main__":
    main()
