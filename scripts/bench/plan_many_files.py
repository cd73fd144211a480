"""Plans an archive of very many small files: seconds and peak memory, without kept footers and with them.

The files of a month are hard links to one body, so that the archive is made in seconds. The pace is given: what is
measured is listing, footers, sampling and tokenising, and not a trial of workers, which takes as long for any archive.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from reviewmine.cli import main
from reviewmine.demo.archive import make_demo_archive

_MONTHS = 72


def make_archive(root: Path, num_files: int, rows_of_a_file: int) -> None:
    """`num_files` files of made reviews under 72 months, 2019 to 2024."""
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        make_demo_archive(Path(folder) / "made", seed=7, rows=3000)
        made = pq.ParquetDataset(Path(folder) / "made", partitioning=None).read()
        for month in range(_MONTHS):
            first = month * rows_of_a_file % (made.num_rows - rows_of_a_file)
            here = root / f"month={2019 + month // 12}-{month % 12 + 1:02d}"
            here.mkdir(parents=True)
            body = here / "part-000000.parquet"
            pq.write_table(made.slice(first, rows_of_a_file), body)
            for number in range(1, num_files // _MONTHS + (month < num_files % _MONTHS)):
                os.link(body, here / f"part-{number:06d}.parquet")


def plan(archive: Path, table: Path, cache: Path) -> None:
    """One plan, in a process of its own, which says what it took."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    began = time.perf_counter()
    try:
        main(["backfill", "plan", str(archive), str(table), "--tokens-per-s", "5000"])
    except SystemExit as ended:
        if ended.code:
            raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - began:.1f} s, {peak:,.0f} MiB at most", file=sys.stderr)


def run() -> None:
    parser = argparse.ArgumentParser(prog="plan", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rows-of-a-file", type=int, default=20)
    parser.add_argument(
        "--plan", nargs=3, type=Path, metavar=("ARCHIVE", "TABLE", "CACHE"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.plan:
        plan(*given.plan)
        return
    with tempfile.TemporaryDirectory(prefix="reviewmine-plan-") as folder:
        root = Path(folder)
        began = time.perf_counter()
        make_archive(root / "archive", given.files, given.rows_of_a_file)
        print(
            f"{given.files:,} files of {given.rows_of_a_file} rows, made in {time.perf_counter() - began:.1f} s"
        )
        command = [sys.executable, __file__, "--plan", root / "archive", root / "table", root / "cache"]
        for name in ("without kept footers", "with kept footers"):
            done = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=True)
            print(f"{name}: {done.stderr.splitlines()[-1]}")
        print("\n".join(done.stdout.splitlines()[_MONTHS:]))


if __name__ == "__main__":
    run()
