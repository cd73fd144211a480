"""Prints what a backfill that was stopped at nine tenths reads of its archive when it is run again.

The archive lies in the store that the environment leads to, in files of at least two megabytes; each run is a process
with a Ray of its own, behind the fault proxy, which injects nothing and counts requests and bytes. The first is told
to stop (SIGTERM) as soon as enough receipts stand, the second ends the work, the third finds nothing to do. The end of
a file, where its footer is, is counted apart. The checkpoint is a tiny one that knows nothing.
"""

import argparse
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "object_store"))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fault_proxy import FaultProxy
from rich.console import Console
from rich.table import Table as Printed
from tiny_checkpoint import make_checkpoint
from traffic import TAIL, Counts

from reviewmine.demo.archive import make_demo_archive
from reviewmine.errors import EXIT_RESUMABLE
from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.fragment import cut
from reviewmine.store.opening import open_store
from reviewmine.store.table import Table

BOUND = 0.15
LEAST_BYTES = 2 * 10**6
_COLUMNS = ("review_id", "product_id", "review_date", "rating", "title", "body", "language")
_LIMIT_S = 500.0


def reviews_of(file: Path | None, num_distinct: int) -> pa.Table:
    """The first rows of `file`, or made ones, with columns that are read and no others."""
    if file is None:
        with tempfile.TemporaryDirectory() as folder:
            make_demo_archive(Path(folder) / "made", seed=7, rows=num_distinct)
            found = pq.ParquetDataset(Path(folder) / "made", partitioning=None).read()
    else:
        found = pq.ParquetFile(file).read().slice(0, num_distinct)
    return found.select([name for name in _COLUMNS if name in found.column_names])


def large_file(reviews: pa.Table, number: int, *, num_rows: int, rows_per_group: int) -> bytes:
    """A Parquet file of `reviews` repeated under new ids; as nothing in it is compressed, its size is that of texts."""
    repeated = pa.concat_tables([reviews] * -(-num_rows // reviews.num_rows)).slice(0, num_rows)
    numbers = pa.array(range(num_rows)).cast(pa.string())
    ids = pc.binary_join_element_wise(repeated["review_id"].cast(pa.string()), numbers, str(number), "-")
    out = io.BytesIO()
    pq.write_table(
        repeated.set_column(0, "review_id", ids),
        out,
        compression="none",
        use_dictionary=False,
        row_group_size=rows_per_group,
    )
    return out.getvalue()


def put_archive(store: Store, reviews: pa.Table, options: argparse.Namespace) -> int:
    """Put the files, a partition for each three of them; their bytes."""
    num_bytes = 0
    for number in range(options.files):
        body = large_file(
            reviews, number, num_rows=options.rows_of_a_file, rows_per_group=options.rows_per_group
        )
        if len(body) < LEAST_BYTES:
            raise SystemExit(
                f"a file has {len(body):,} bytes, expected {LEAST_BYTES:,}: raise --rows-of-a-file"
            )
        store.put(f"batch={number // 3:03d}/part-{number:05d}.parquet", body)
        num_bytes += len(body)
    return num_bytes


def annotate(
    proxy: FaultProxy, archive: str, table: Table, checkpoint: Path, *, stop_after: int | None = None
) -> int:
    """One run behind the proxy, told to stop when so many receipts stand; its exit code."""
    options = ["--checkpoint", str(checkpoint), "--num-actors", "1", "--json"]
    command = [sys.executable, "-m", "reviewmine", "annotate", archive, table.uri, *options]
    environment = {**os.environ, "AWS_ENDPOINT_URL": proxy.endpoint}
    deadline = time.monotonic() + _LIMIT_S
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as driver:
        while stop_after is not None and driver.poll() is None:
            if num_receipts(table) >= stop_after:
                driver.send_signal(signal.SIGTERM)
                break
            if time.monotonic() > deadline:
                driver.terminate()
                raise RuntimeError(f"no {stop_after} receipts within {_LIMIT_S:g} s")
            time.sleep(0.1)
        return driver.wait(_LIMIT_S)


def num_receipts(table: Table) -> int:
    return sum(1 for _ in table.store.list(table.layout.all_receipts))


def counted(proxy: FaultProxy, archive: str) -> Mapping[str, Counts]:
    return proxy.traffic.by_operation(archive.removeprefix("s3://") + "/")


def bodies_read(counts: Mapping[str, Counts]) -> int:
    """Bytes of the archive that came to a run, without the ends of files."""
    return sum(count.down_bytes for operation, count in counts.items() if operation == "GET")


def tell(title: str, runs: Mapping[str, Mapping[str, Counts]], num_bytes: int) -> None:
    printed = Printed("run", title=title, title_justify="left")
    for column in ("bodies: requests", "MB", "of the archive", "footers: requests", "MB", "HEAD", "LIST"):
        printed.add_column(column, justify="right")
    for name, counts in runs.items():
        body, footer = counts.get("GET", Counts()), counts.get(TAIL, Counts())
        printed.add_row(
            name,
            f"{body.num_requests:,}",
            f"{body.down_bytes / 1e6:,.1f}",
            f"{bodies_read(counts) / num_bytes:.1%}",
            f"{footer.num_requests:,}",
            f"{footer.down_bytes / 1e6:,.1f}",
            *(f"{counts.get(operation, Counts()).num_requests:,}" for operation in ("HEAD", "LIST")),
        )
    Console(width=120).print(printed)


def judge(table: Table, archive: Archive) -> None:
    """RuntimeError unless the live files of the table hold the ids of the archive as a multiset."""

    def ids(store: Store, names: list[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for name in names:
            found.update(pq.ParquetFile(store.open(name)).read(["review_id"])["review_id"].to_pylist())
        return found

    if ids(table.store, list(table.live_sizes())) != ids(
        archive.store, [file.name for file in archive.files()]
    ):
        raise RuntimeError(f"{table.uri}: the table is not the archive")


def bench(options: argparse.Namespace, root: str, checkpoint: Path) -> None:
    archive, table = Archive(f"{root}/archive"), Table(f"{root}/table")
    reviews = reviews_of(options.reviews, options.distinct)
    num_bytes = put_archive(open_store(archive.location), reviews, options)
    fragments = [
        fragment
        for file in archive.files()
        for fragment in cut(file.name, file.etag, archive.footer(file.name).row_groups)
    ]
    enough = -int(-options.share * len(fragments) // 1)
    title = (
        f"{options.files} files of {num_bytes / options.files / 1e6:.1f} MB, {num_bytes / 1e6:.0f} MB, in "
        f"{len(fragments)} fragments"
    )
    runs: dict[str, Mapping[str, Counts]] = {}
    for name in ("stopped", "rerun", "once more"):
        before = num_receipts(table)
        with FaultProxy(os.environ["AWS_ENDPOINT_URL"]) as proxy:
            stop_after = enough if name == "stopped" else None
            code = annotate(proxy, archive.location.uri, table, checkpoint, stop_after=stop_after)
            runs[name] = counted(proxy, archive.location.uri)
        print(
            f"{name}: {before} receipts stood before, {num_receipts(table)} after; exit code {code}",
            flush=True,
        )
        if code != (EXIT_RESUMABLE if name == "stopped" else 0):
            raise RuntimeError(f"{name}: exit code {code}")
        if name == "stopped" and num_receipts(table) == len(fragments):
            raise RuntimeError("the work was done before the run had stopped: raise --distinct")
    tell(title, runs, num_bytes)
    judge(table, archive)
    share = bodies_read(runs["rerun"]) / num_bytes
    if share > BOUND or bodies_read(runs["once more"]):
        raise SystemExit(f"the rerun read {share:.1%} of the archive's bytes; expected at most {BOUND:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "reviews", type=Path, nargs="?", help="a Parquet file of reviews; made ones if not given"
    )
    parser.add_argument("--files", type=int, default=30)
    parser.add_argument("--rows-of-a-file", type=int, default=12_000)
    parser.add_argument("--rows-per-group", type=int, default=10_000)
    parser.add_argument("--distinct", type=int, default=1500, help="how many reviews are repeated")
    parser.add_argument(
        "--share", type=float, default=0.9, help="of the fragments, when the first run is stopped"
    )
    parser.add_argument("--bucket", default="reviewmine")
    options = parser.parse_args()
    if not os.environ.get("AWS_ENDPOINT_URL"):
        raise SystemExit('no object store: eval "$(scripts/object-store start)" leads there')
    root = f"s3://{options.bucket}/rerun-{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            bench(options, root, make_checkpoint(Path(folder)))
        finally:
            store = open_store(Location.parse(root))
            for file in list(store.list("")):
                store.delete(file.name)


if __name__ == "__main__":
    main()
