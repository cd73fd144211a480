"""Readers during overwrites: an Iceberg scan, what `reviewmine read` reads and names, and globs over a hive table.

A read is right when it shows the rows of exactly one generation, wrong when it shows others (rows of two, or of half
of one), and failed when it raises, which a reader notices and tries again. Every road is read once more after each
overwrite, before the next: by then globs have to be right too.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from iceberg_world import ENTRY
from partition_world import LAYOUT, Archive, write
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from rich.console import Console
from rich.table import Table

from reviewmine.store.catalog_entry import CatalogEntry
from reviewmine.store.filesystem import Location
from reviewmine.store.iceberg import IcebergLive
from reviewmine.store.live import HiveLive
from reviewmine.store.s3_client import bulk, iceberg_properties
from reviewmine.store.table import Table as Published
from reviewmine.warehouse.live import live_partitions

Read = Callable[[], list[str]]
PROMISED = ("Iceberg scan", "reviewmine read", "reviewmine read --files")
"""The roads that show one generation at any moment."""
ROADS = (*PROMISED, "hive glob, DuckDB", "hive glob, pyarrow")


def generation(number: int, num_files: int, num_rows: int) -> Archive:
    """An archive whose review ids say which generation they are of."""
    return {
        f"{file}.parquet": [f"{number} {file} {row}" for row in range(num_rows)] for file in range(num_files)
    }


def verdict(read: Read, num_rows: int) -> str:
    """`right`, `wrong` or `failed`."""
    try:
        found = read()
    except Exception:
        return "failed"
    is_one = len({review.split()[0] for review in found}) == 1
    return "right" if is_one and len(found) == len(set(found)) == num_rows else "wrong"


class Tables:
    """The same rows in a hive table and in an Iceberg table, at one place; the catalog is a local file."""

    def __init__(self, place: str, folder: Path) -> None:
        self._hive = Published(f"{place}/hive/{LAYOUT.table}")
        self._iceberg = Published(f"{place}/iceberg/{LAYOUT.table}")
        self._catalog = f"sqlite:///{folder}/catalog.db"
        self._hive.make_or_match(("dt",), None)
        if not self._hive.store.compare_and_swap:
            self._iceberg.store.deny_compare_and_swap()
        self._live().prepare()

    def overwrite(self, archive: Archive, number: int) -> None:
        write(self._iceberg.store, archive, number, live=self._live())
        write(self._hive.store, archive, number, live=HiveLive(self._hive.store, LAYOUT))

    def roads(self) -> dict[str, Read]:
        reads = (self._scan, self._read, self._read_files, self._in_duckdb, self._in_pyarrow)
        return dict(zip(ROADS, reads, strict=True))

    def _live(self) -> IcebergLive:
        def opened(entry: CatalogEntry, embedded: Location) -> Catalog:
            return SqlCatalog("bench", uri=self._catalog, **iceberg_properties())

        table = self._iceberg
        return IcebergLive(table.store, LAYOUT, table.location, ENTRY, ("dt",), open_entry=opened)

    def _scan(self) -> list[str]:
        table = self._live().catalog.load_table(ENTRY.identifier)
        return table.scan(selected_fields=("review_id",)).to_arrow()["review_id"].to_pylist()

    def _read(self) -> list[str]:
        batches = [batch for live in live_partitions(self._hive) for batch in live.batches(["review_id"])]
        return [review for batch in batches for review in batch["review_id"].to_pylist()]

    def _read_files(self) -> list[str]:
        """What an engine shows that is given the list."""
        found = []
        for name in (name for live in live_partitions(self._hive) for name in live.live_files):
            with self._hive.store.open(name.removeprefix(f"{self._hive.store.root}/")) as file:
                found += pq.read_table(file, columns=["review_id"])["review_id"].to_pylist()
        return found

    def _in_duckdb(self) -> list[str]:
        connection = duckdb.connect()
        if self._hive.location.scheme == "s3":
            import s3fs

            connection.register_filesystem(
                s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
            )
        glob = f"{self._hive.uri}/**/*.parquet"
        return [
            row[0] for row in connection.execute(f"SELECT review_id FROM read_parquet('{glob}')").fetchall()
        ]

    def _in_pyarrow(self) -> list[str]:
        path = self._hive.location.path
        files = bulk(path.split("/")[0]) if self._hive.location.scheme == "s3" else None
        found = ds.dataset(path, format="parquet", filesystem=files).to_table(columns=["review_id"])
        return found["review_id"].to_pylist()


Counts = dict[str, Counter[str]]


def read_during(
    tables: Tables, num_overwrites: int, num_files: int, num_rows: int, wait_s: float
) -> tuple[Counts, Counts]:
    """Verdicts by road: of reads at any moment, and of one after each overwrite has ended."""
    tables.overwrite(generation(0, num_files, num_rows), 0)
    reads = tables.roads()
    during: Counts = {road: Counter() for road in ROADS}
    after: Counts = {road: Counter() for road in ROADS}
    is_over = threading.Event()

    def loop(road: str) -> None:
        while not is_over.is_set():
            during[road][verdict(reads[road], num_files * num_rows)] += 1
            is_over.wait(wait_s)

    readers = [threading.Thread(target=loop, args=(road,)) for road in ROADS]
    for reader in readers:
        reader.start()
    for number in range(1, num_overwrites + 1):
        tables.overwrite(generation(number, num_files, num_rows), number)
        for road in ROADS:
            after[road][verdict(reads[road], num_files * num_rows)] += 1
    is_over.set()
    for reader in readers:
        reader.join()
    return during, after


def tell(during: Counts, after: Counts, title: str) -> None:
    table = Table("road", title=title, title_justify="left")
    for column in ("right", "wrong", "failed", "right after", "wrong after", "failed after"):
        table.add_column(column, justify="right")
    for road in ROADS:
        counts = (
            str(found[road][kind]) for found in (during, after) for kind in ("right", "wrong", "failed")
        )
        table.add_row(road, *counts)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", help="s3://bucket/prefix for the tables; by default a temporary folder")
    parser.add_argument("--overwrites", type=int, default=30)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rows", type=int, default=200, help="rows of each file")
    parser.add_argument(
        "--wait-s", type=float, default=0.0, help="between two reads of a reader: for a slow store"
    )
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = f"{given.place.rstrip('/')}/{time.time_ns()}" if given.place else folder
        tables = Tables(place, Path(folder))
        during, after = read_during(tables, given.overwrites, given.files, given.rows, given.wait_s)
    took = f"{time.monotonic() - started:.0f} s"
    tell(
        during,
        after,
        f"reads during {given.overwrites} overwrites of {given.files} files, and after each; {took}",
    )
    if any(during[road]["wrong"] for road in PROMISED):
        sys.exit("a road that promises one generation was read wrong")
    if any(counts != {"right": given.overwrites} for counts in after.values()):
        sys.exit("a read was not right though no publish was under way")


if __name__ == "__main__":
    main()
