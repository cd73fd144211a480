"""Readers during overwrites: an Iceberg scan, the files that a live manifest names, and globs over a hive table.

A read is right when it shows the rows of exactly one generation, wrong when it shows others (rows of two, or of half
of one), and failed when it raises, which a reader notices and tries again.
"""

import argparse
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from iceberg_world import IcebergWorld
from partition_world import DAY, LAYOUT, Archive, write
from rich.console import Console
from rich.table import Table

from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import live_manifest

Read = Callable[[], list[str]]
ROADS = ("Iceberg scan", "live manifest", "hive glob, DuckDB", "hive glob, pyarrow")


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


def roads(iceberg: IcebergWorld, hive: LocalStore) -> dict[str, Read]:
    folder = f"{hive.root}/{LAYOUT.table}"

    def manifest() -> list[str]:
        live = live_manifest(hive, LAYOUT, DAY)
        names = live.live_files if live else ()
        tables = [
            pq.read_table(f"{hive.root}/{name}", columns=["review_id"], partitioning=None) for name in names
        ]
        return [review for table in tables for review in table["review_id"].to_pylist()]

    def in_duckdb() -> list[str]:
        found = duckdb.connect().execute(f"SELECT review_id FROM read_parquet('{folder}/**/*.parquet')")
        return [row[0] for row in found.fetchall()]

    def in_pyarrow() -> list[str]:
        return ds.dataset(folder, format="parquet").to_table(columns=["review_id"])["review_id"].to_pylist()

    return dict(zip(ROADS, (iceberg.review_ids, manifest, in_duckdb, in_pyarrow), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overwrites", type=int, default=30)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rows", type=int, default=200, help="rows of each file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        iceberg = IcebergWorld(Path(folder) / "iceberg")
        hive = LocalStore(Path(folder) / "hive", scratch=LAYOUT.scratch)

        def overwrite(number: int) -> None:
            archive = generation(number, given.files, given.rows)
            write(iceberg.store(), archive, number, live=iceberg.live(iceberg.store()))
            write(hive, archive, number)

        overwrite(0)
        reads = roads(iceberg, hive)
        during: dict[str, Counter[str]] = {road: Counter() for road in ROADS}
        is_over = threading.Event()

        def loop(road: str) -> None:
            while not is_over.is_set():
                during[road][verdict(reads[road], given.files * given.rows)] += 1

        readers = [threading.Thread(target=loop, args=(road,)) for road in ROADS]
        for reader in readers:
            reader.start()
        for number in range(1, given.overwrites + 1):
            overwrite(number)
        is_over.set()
        for reader in readers:
            reader.join()
        after = {
            road: Counter(verdict(reads[road], given.files * given.rows) for _ in range(10)) for road in ROADS
        }
    tell(during, after, given.overwrites)
    safe = ROADS[:2]
    if any(during[road]["wrong"] for road in safe) or any(
        counts != {"right": 10} for counts in after.values()
    ):
        sys.exit("a road that promises snapshots was read wrong, or a glob after the last publish had ended")


def tell(during: dict[str, Counter[str]], after: dict[str, Counter[str]], num_overwrites: int) -> None:
    table = Table(
        "road", title=f"reads during {num_overwrites} overwrites, and ten after", title_justify="left"
    )
    for column in ("right", "wrong", "failed", "right after"):
        table.add_column(column, justify="right")
    for road, counts in during.items():
        told = (str(counts[kind]) for kind in ("right", "wrong", "failed"))
        table.add_row(road, *told, str(after[road]["right"]))
    Console().print(table)


if __name__ == "__main__":
    main()
