"""Prints how the private memory of driver and workers grows when the archive does; exits with 1 above a bound.

Reviews of one Parquet file, repeated, are a partition of the archive, again and again under new ids, so that the
fragments of a small archive and of a large one are alike and only their number differs. Each archive is annotated in a
process of its own, with a Ray of its own whose object store has a fixed size, by a tiny checkpoint that knows nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from memory_watch import DRIVER, RAY, Watch, Watched, mib
from rich.console import Console
from rich.table import Table

from reviewmine.demo.archive import make_demo_archive

BOUND = 0.10
JUDGED = (DRIVER, "Read", "Annotate", "Write")
"""What is ours; of Ray's own processes and actors it is only told how they grow."""
_COLUMNS = ("review_id", "product_id", "review_date", "rating", "title", "body", "language")


def reviews_of(file: Path | None, folder: Path, num_distinct: int, num_rows: int) -> pa.Table:
    """The first rows of `file`, or made ones, again and again, with the columns that are read and no others."""
    if file is None:
        make_demo_archive(folder, seed=7, rows=num_distinct)
        found = pq.ParquetDataset(folder, partitioning=None).read()
    else:
        found = pq.ParquetFile(file).read().slice(0, num_distinct)
    found = found.select([name for name in _COLUMNS if name in found.column_names])
    return pa.concat_tables([found] * -(-num_rows // found.num_rows)).slice(0, num_rows)


def write_copies(reviews: pa.Table, root: Path, num_rows: int) -> int:
    """An archive of whole copies of `reviews`, a partition each, with at least `num_rows`; how many rows it has."""
    num_copies = -(-num_rows // reviews.num_rows)
    numbers = pa.array(range(reviews.num_rows)).cast(pa.string())
    ids = pc.binary_join_element_wise(reviews["review_id"].cast(pa.string()), numbers, "-")
    for copy in range(num_copies):
        folder = root / f"copy={copy:04d}"
        folder.mkdir(parents=True)
        new_ids = pc.binary_join_element_wise(ids, str(copy), "-")
        pq.write_table(reviews.set_column(0, "review_id", new_ids), folder / "reviews.parquet")
    return num_copies * reviews.num_rows


def annotate(archive: str, table: str, checkpoint: str, store_bytes: str) -> None:
    """The main job as a process of its own, in a Ray whose object store is no larger."""
    import ray
    from backfill_world import Watching

    from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
    from reviewmine.distributed.main_job import annotate as annotate_archive

    ray.init(
        address="local",
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=int(store_bytes),
    )
    settings = AnnotateSettings(
        archive=archive, table=table, checkpoint=checkpoint, pool=PoolSettings(num_actors=1)
    )
    summary = annotate_archive(settings, Watching())
    print(sum(summary.rows_by_status.values()))


def watched_run(archive: Path, table: Path, checkpoint: Path, store_bytes: int, num_rows: int) -> Watched:
    """One annotated archive; RuntimeError unless every row of it was."""
    command = [sys.executable, __file__, "--annotate", archive, table, checkpoint, store_bytes]
    began = time.perf_counter()
    with (
        subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as driver,
        Watch(driver.pid) as watch,
    ):
        said, _ = driver.communicate()
    found = said.split()[-1:] if driver.returncode == 0 else []
    if found != [str(num_rows)]:
        raise RuntimeError(
            f"{archive}: exit code {driver.returncode}, {found} of {num_rows} rows were annotated"
        )
    took = time.perf_counter() - began
    print(
        f"{num_rows:,} rows in {took:,.0f} s, {num_rows / took:,.0f} rows/s with the start of Ray", flush=True
    )
    return watch.watched


def tell(small: Watched, large: Watched, times: int) -> list[str]:
    """Print both runs side by side; the kinds of processes of ours that grew by more than the bound."""
    table = Table(
        "process",
        title=f"MiB of private memory, an archive and one {times} times larger",
        title_justify="left",
    )
    columns = ("processes", "most, small", "most, large", "growth", "large: 2nd, last quarter", "unshared")
    for column in columns:
        table.add_column(column, justify="right")
    grew = []
    for kind in sorted(
        {*small.kinds()} & {*large.kinds()}, key=lambda kind: (kind == RAY, kind != DRIVER, kind)
    ):
        before, after = (run.most(kind, "anonymous") for run in (small, large))
        growth = after / before - 1
        table.add_row(
            kind,
            f"{small.num_processes(kind)}, {large.num_processes(kind)}",
            mib(before),
            mib(after),
            f"{growth:+.1%}",
            ", ".join(map(mib, large.quarters(kind))),
            ", ".join(mib(run.most(kind, "unshared")) for run in (small, large)),
        )
        if growth > BOUND:
            grew.append((kind, f"{kind} by {growth:.0%}"))
    Console(width=120).print(table)
    of_ray = [told for kind, told in grew if kind not in JUDGED]
    if of_ray:
        print(f"not ours, and not judged: {', '.join(of_ray)}")
    return [told for kind, told in grew if kind in JUDGED]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "reviews", type=Path, nargs="?", help="a Parquet file of reviews; made ones if not given"
    )
    parser.add_argument(
        "--distinct", type=int, default=3_500, help="how many reviews of the file are repeated"
    )
    parser.add_argument("--rows-of-a-partition", type=int, default=35_000)
    parser.add_argument("--rows", type=int, default=350_000, help="rows of the small archive")
    parser.add_argument("--times", type=int, default=10, help="how much larger the large one is")
    parser.add_argument("--object-store-mib", type=int, default=512)
    parser.add_argument("--annotate", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.annotate:
        annotate(*given.annotate)
        return
    from tiny_checkpoint import make_checkpoint

    runs = []
    with tempfile.TemporaryDirectory(prefix="reviewmine-memory-") as folder:
        root = Path(folder)
        checkpoint = make_checkpoint(root / "tiny")
        reviews = reviews_of(given.reviews, root / "made", given.distinct, given.rows_of_a_partition)
        for number, size in enumerate((given.rows, given.rows * given.times)):
            archive = root / f"archive-{number}"
            num_rows = write_copies(reviews, archive, size)
            store_bytes = given.object_store_mib * 2**20
            runs.append(watched_run(archive, root / f"table-{number}", checkpoint, store_bytes, num_rows))
    if grew := tell(*runs, given.times):
        sys.exit(f"private memory grew by more than {BOUND:.0%}: {', '.join(grew)}")


if __name__ == "__main__":
    main()
