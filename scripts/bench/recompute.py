"""Prints what a run over a changed archive, or with another checkpoint, sends through the model, and what is undone.

The reviews of one Parquet file become an archive with a partition for each month. It is annotated; some rows of some
months are edited, and it is annotated again; then a carried column is added; then another checkpoint annotates all of
it, and at last five months are rolled back. Every time the table is compared with the archive as a multiset, and this
stops where a promise is broken. A place that is named is used again by the next call, which goes on where the last one
was stopped.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from io import BytesIO
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
from reviewmine.demo.partitioned import archive_files
from reviewmine.distributed.main_job import annotate
from reviewmine.distributed.stages import Model
from reviewmine.partition import Partition
from reviewmine.store.archive import Archive
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.filesystem import Location
from reviewmine.store.manifest import live_manifest, published_partitions
from reviewmine.store.opening import open_store

COMPARED = ("review_id", "product_id", "reviewed_at", "input_hash")
MIN_ROWS = 100
"""A file with fewer rows has no row that is one percent of them."""
NUM_ROLLED_BACK = 5
CATALOG = "bench"

Rows = Counter[tuple[object, ...]]


class Bench:
    """An archive, its table, and the runs between them: by the stages in this process, or on Ray."""

    def __init__(self, folder: Path, place: str, model: Model, *, on_ray: bool, table_format: str) -> None:
        iceberg = IcebergSettings(catalog=CATALOG if "://" in place else None)
        self.world = World(
            folder,
            archive=f"{place}/archive",
            table=f"{place}/table",
            execute=lambda job: Staged(job, self.model),
            iceberg=iceberg if table_format == "iceberg" else None,
        )
        self.model = model
        self._on_ray = on_ray

    def stale(self) -> dict[str, str]:
        """The partitions that are stale, and why."""
        states = self.world.states(checkpoint=self.model.digest)
        return {partition: state for partition, state in states.items() if state.startswith("stale")}

    def run(self, what: str) -> tuple[set[str], Summary]:
        """The partitions that were stale, and the summary; RuntimeError unless the table is the archive then."""
        stale = self.stale()
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
        return set(stale), summary

    def bytes_of_months(self) -> dict[str, list[str]]:
        """The digests of the live files of each month, in their order."""
        store, layout = self.world.table.store, self.world.table.layout
        found = {}
        for partition in published_partitions(store, layout):
            live = live_manifest(store, layout, partition)
            bodies = (store.get(name) for name in (live.live_files if live else ()))
            found[str(partition)] = [hashlib.sha256(stored.body).hexdigest() for stored in bodies if stored]
        return found

    def _annotate(self) -> Summary:
        if not self._on_ray:
            return self.world.run(checkpoint=self.model.digest)
        settings = AnnotateSettings(
            archive=self.world.archive,
            table=self.world.table.uri,
            checkpoint=self.model.checkpoint,
            carry=tuple(self.world.carry),
            format="iceberg" if self.world.iceberg else "hive",
            iceberg=self.world.iceberg or IcebergSettings(),
            pool=PoolSettings(num_actors=1),
        )
        return annotate(settings, Watching())

    def _in_archive(self) -> Rows:
        """Month and COMPARED of every review."""
        archive = Archive(self.world.archive)
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


def make_archive(place: str, file: Path, *, num_rows: int | None, files: int) -> None:
    """The reviews of a file by month; what stands there is left if it has as many rows."""
    reviews = pq.read_table(file, partitioning=None).slice(0, num_rows)
    archive = Archive(place)
    if sum(_num_rows(archive, found.name) for found in archive.store.list("")) == reviews.num_rows:
        return
    made = archive_files(reviews, partition_by="month", files_per_partition=files, rows_per_group=10_000)
    store = open_store(Location.parse(place))
    months = [store.put(name, body) for name, body in made]
    print(f"{place}: {reviews.num_rows:,} reviews in {len(months)} files", flush=True)


def edit(place: str, *, num_months: int, share: float, seed: int) -> dict[str, tuple[int, int]]:
    """Edit the body of this share of the rows of a file in some months; rows edited and rows in all, by month."""
    chance, archive, store = np.random.default_rng(seed), Archive(place), open_store(Location.parse(place))
    names = [file.name for file in archive.files()]
    by_month = {name.split("/")[0]: name for name in names if _num_rows(archive, name) >= MIN_ROWS}
    changed = {}
    for month in sorted(chance.choice(sorted(by_month), num_months, replace=False).tolist()):
        reviews = pq.read_table(archive.store.open(by_month[month]))
        rows = set(chance.choice(reviews.num_rows, int(reviews.num_rows * share), replace=False).tolist())
        bodies = [
            f"{body} (edited)" if row in rows else body
            for row, body in enumerate(reviews["body"].to_pylist())
        ]
        column = reviews.column_names.index("body")
        edited = reviews.set_column(column, "body", pa.array(bodies, reviews.schema.field("body").type))
        out = BytesIO()
        pq.write_table(edited, out)
        store.put(by_month[month], out.getvalue())
        changed[month] = (len(rows), reviews.num_rows)
    return changed


def _num_rows(archive: Archive, name: str) -> int:
    with archive.store.open(name) as file:
        return int(pq.read_metadata(file).num_rows)


def edited(bench: Bench, options: argparse.Namespace) -> None:
    """Exactly the edited months are stale, and no row but the edited ones goes through the model."""
    changed = edit(bench.world.archive, num_months=options.months, share=options.share, seed=options.seed)
    stale, summary = bench.run("edited")
    num_edited, num_rows = (sum(counts) for counts in zip(*changed.values(), strict=True))
    told = ", ".join(f"{month} ({edited} of {rows} rows)" for month, (edited, rows) in changed.items())
    share = through_model(summary) / num_rows
    print(f"edited were {told}; {through_model(summary)} of {num_rows:,} rows through the model, {share:.2%}")
    if stale != set(changed):
        raise RuntimeError(f"stale are {sorted(stale)}, edited were {sorted(changed)}")
    if through_model(summary) > num_edited:
        raise RuntimeError(f"{num_edited} rows were edited, and more went through the model")


def carried(bench: Bench) -> None:
    """Another carried column is no work for the model."""
    bench.world.carry = ["rating"]
    _, summary = bench.run("another carried column")
    if through_model(summary):
        raise RuntimeError("a carried column cost work of the model")


def rolled_back(bench: Bench, other: Model) -> None:
    """With another checkpoint all is stale and annotated; five months are rolled back to the bytes that they had."""
    before = bench.bytes_of_months()
    bench.model = other
    stale, summary = bench.run("another checkpoint")
    if stale != set(before) or through_model(summary) != summary.rows_due:
        raise RuntimeError(
            f"stale are {len(stale)} of {len(before)} months; all rows should have been annotated"
        )
    months = sorted(month for month in before if "__HIVE" not in month)
    chosen = months[(len(months) - NUM_ROLLED_BACK) // 2 :][:NUM_ROLLED_BACK]
    first, last = (month.partition("=")[2] for month in (chosen[0], chosen[-1]))
    command("rollback", bench.world.table.uri, "--partitions", f"{first}..{last}")
    after = bench.bytes_of_months()
    restored = [month for month in after if after[month] == before[month]]
    print(
        f"{len(restored)} months have the bytes that they had before the other checkpoint: {', '.join(restored)}"
    )
    if restored != chosen:
        raise RuntimeError(f"rolled back were {chosen}")
    stale_now = bench.stale()
    print(f"stale are {', '.join(stale_now)}: {', '.join(set(stale_now.values()))}")
    if sorted(stale_now) != chosen:
        raise RuntimeError(f"rolled back were {chosen}")
    command("status", bench.world.table.uri)


def command(name: str, *arguments: str) -> None:
    """Run a command of `reviewmine backfill` as a person does, and print what it prints."""
    print(f"$ reviewmine backfill {name} {' '.join(arguments)}", flush=True)
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "reviewmine", "backfill", name, *arguments], check=True)
    print(f"({time.monotonic() - started:.0f} s)", flush=True)


def play(folder: Path, options: argparse.Namespace) -> None:
    """All runs, and what must be so of each."""
    place = options.place.rstrip("/") if options.place else str(folder)
    os.environ.setdefault(f"PYICEBERG_CATALOG__{CATALOG.upper()}__TYPE", "sql")
    os.environ.setdefault(f"PYICEBERG_CATALOG__{CATALOG.upper()}__URI", f"sqlite:///{folder}/catalog.db")
    checkpoints = [folder / name / "checkpoint" for name in ("tiny", "other")]
    for seed, checkpoint in enumerate(checkpoints):
        if not checkpoint.exists():
            make_checkpoint(checkpoint.parent, seed=seed)
    make_archive(f"{place}/archive", options.archive, num_rows=options.rows, files=options.files)
    model = model_of(options.checkpoint or checkpoints[0])
    bench = Bench(folder, place, model, on_ray=options.ray, table_format=options.format)
    bench.run("at first")
    edited(bench, options)
    carried(bench)
    rolled_back(bench, model_of(options.other_checkpoint or checkpoints[1]))
    print("every table was its archive; no promise was broken")


def main() -> None:
    """What --help says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="a Parquet file of reviews with dates and a rating")
    parser.add_argument("--folder", type=Path, help="where to work, and to go on; by default a temporary one")
    parser.add_argument(
        "--place", help="s3://bucket/prefix for archive and table, else they lie in the folder"
    )
    parser.add_argument("--format", choices=("hive", "iceberg"), default="hive")
    parser.add_argument("--rows", type=int, help="the first rows of the file alone")
    parser.add_argument("--files", type=int, default=1, help="files of each month; one of them is edited")
    parser.add_argument("--months", type=int, default=3, help="how many months are edited")
    parser.add_argument("--share", type=float, default=0.01, help="the share of their rows that is edited")
    parser.add_argument(
        "--checkpoint", type=Path, help="by default a tiny one, made here, that knows nothing"
    )
    parser.add_argument("--other-checkpoint", type=Path, help="the one that takes its place; likewise")
    parser.add_argument(
        "--ray", action="store_true", help="the main job on Ray, not its stages in this process"
    )
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).absolute()
        play(folder, options)


if __name__ == "__main__":
    main()
