"""Small archives for tests, and what a table that was made from one must hold."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from judgement import misplaced_objects

from reviewmine.store.archive import Archive
from reviewmine.store.table import Table

OPINIONS = (
    "The sound is superb and the battery was very solid.",
    "The zip is broken and it was useless for me!",
    "The lamp is okay and the case was plain. The chair is nice. It was good for me and the strap was great.",
    "The screen is awful. The cable was very weak and the kettle is poor.",
)
FIRST_DAY = datetime(2024, 1, 30, tzinfo=UTC)


def make_rows(num_rows: int, *, first: int = 0, day: int = 0) -> pa.Table:
    """Reviews `r<first>` and on, all of one day; every seventh has no body and every ninth no date."""
    numbers = range(first, first + num_rows)
    moment = FIRST_DAY + timedelta(days=day)
    return pa.table(
        {
            "review_id": pa.array([f"r{number}" for number in numbers], pa.string()),
            "body": pa.array(
                [None if n % 7 == 6 else f"{OPINIONS[n % 4]} It is {n}." for n in numbers], pa.string()
            ),
            "rating": pa.array([1 + number % 5 for number in numbers], pa.int32()),
            "reviewed_at": pa.array(
                [None if n % 9 == 8 else moment for n in numbers], pa.timestamp("us", "UTC")
            ),
        }
    )


def write_daily(root: Path, *, days: int = 3, files: int = 2, rows: int = 10) -> Path:
    """An archive of `dt=` partitions, each of several files."""
    for day in range(days):
        folder = root / f"dt={FIRST_DAY + timedelta(days=day):%Y-%m-%d}"
        folder.mkdir(parents=True)
        for file in range(files):
            first = (day * files + file) * rows
            pq.write_table(make_rows(rows, first=first, day=day), folder / f"part-{file}.parquet")
    return root


def ids_in_archive(root: Path) -> Counter[str]:
    archive = Archive(str(root))
    return Counter(
        row
        for file in archive.files()
        for row in pq.read_table(archive.store.open(file.name))["review_id"].to_pylist()
    )


def ids_in_table(root: Path) -> Counter[str]:
    """The review ids that any reader of the folder sees."""
    return Counter(
        row
        for file in sorted(root.rglob("*.parquet"))
        for row in pq.read_table(file, partitioning=None)["review_id"].to_pylist()
    )


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below `root` with its inode and time of change: equal only if no file was touched."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def judge(table_root: Path, archive_root: Path) -> None:
    """The table holds the archive as a multiset, its manifests name exactly its files, and no publish is half done."""
    assert ids_in_table(table_root) == ids_in_archive(archive_root)
    assert misplaced_objects(Table(str(table_root))) == []
