"""Prints what `backfill plan` foretold of samples of review sets, and what their runs then took.

Each try takes another sample of one of the sets, makes an archive of it, asks for the plan as a person does, and runs
it. The time is judged as a run tells it, from its start to its end; beside it stands that of the whole command, with
the seconds that Python takes to import things. --record keeps what was found, for tries made in several calls.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.backfill.interval import Interval
from reviewmine.contract.instants import is_instant
from reviewmine.demo.make_archive import main as make_archive

TOKENS_OFF = 0.10
TIMES_INSIDE = 0.8


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One plan and its run; times in seconds."""

    name: str
    seed: int
    rows_told: int
    rows: int
    tokens_told: Interval
    tokens: int
    seconds_told: Interval
    seconds: float
    startup_s: float
    worker_s: float
    command_s: float
    basis: str

    @property
    def tokens_off(self) -> float:
        return self.tokens_told.expected / self.tokens - 1

    @property
    def is_inside(self) -> bool:
        return self.seconds_told.holds(self.seconds)

    def __str__(self) -> str:
        told = self.seconds_told
        return (
            f"{self.name}, seed {self.seed}: {self.rows:,} rows (told {self.rows_told:,}); {self.tokens:,} tokens "
            f"(told {self.tokens_told.expected:,.0f}, {self.tokens_off:+.1%}); {self.seconds:.0f} s, the command "
            f"{self.command_s:.0f} s (told {told.expected:.0f}, {told.low:.0f} to {told.high:.0f}) "
            f""
            f"{'inside' if self.is_inside else 'OUTSIDE'}; {self.startup_s:.0f} s to start, {self.worker_s:.0f} s of "
            f"workers; {self.basis}"
        )


def sample(file: Path, *, num_rows: tuple[int, int], seed: int) -> pa.Table:
    """As many rows as the seed says, anywhere between both numbers, in the order of the file."""
    chance = np.random.default_rng(seed)
    reviews = pq.ParquetFile(file).read()
    wanted = min(int(chance.integers(num_rows[0], num_rows[1] + 1)), reviews.num_rows)
    return reviews.take(pa.array(np.sort(chance.choice(reviews.num_rows, wanted, replace=False))))


def attempt(file: Path, folder: Path, *, num_rows: tuple[int, int], seed: int) -> Tried:
    """The plan and the run of one sample. RuntimeError unless the table then has as many rows as the sample."""
    reviews = sample(file, num_rows=num_rows, seed=seed)
    parquet, archive, table = folder / "sample.parquet", folder / "archive", folder / "table"
    pq.write_table(reviews, parquet)
    has_dates = any(is_instant(field.type) for field in reviews.schema)
    by = (
        ["--partition-by", "month"] if has_dates else ["--partition-by", "none", "--files-per-partition", "8"]
    )
    if make_archive([str(parquet), str(archive), *by]):
        raise RuntimeError(f"{file}: no archive can be made of it")
    plan = _last_said(["backfill", "plan", str(archive), str(table), "--json"])
    began = time.perf_counter()
    run = _last_said(["backfill", "run", str(archive), str(table), "--json"])
    command_s = time.perf_counter() - began
    in_table = sum(pq.read_metadata(path).num_rows for path in table.rglob("*.parquet"))
    if in_table != reviews.num_rows:
        raise RuntimeError(f"{file.stem}, seed {seed}: {reviews.num_rows} rows became {in_table}")
    return tried(file.stem, seed, plan, run, command_s)


def _last_said(arguments: list[str]) -> dict[str, Any]:
    """The totals that a command of reviewmine says in JSON at its end, in a process of its own."""
    command = [sys.executable, "-m", "reviewmine", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    totals: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return totals


def tried(name: str, seed: int, plan: dict[str, Any], run: dict[str, Any], command_s: float) -> Tried:
    """What the totals of a plan and of its run say, side by side."""
    return Tried(
        name=name,
        seed=seed,
        rows_told=plan["rows_to_annotate"],
        rows=run["rows_read"],
        tokens_told=Interval(**plan["tokens"]),
        tokens=run["num_tokens"],
        seconds_told=Interval(**plan["hours"]).times(3600.0),
        seconds=run["seconds"],
        startup_s=run["startup_s"],
        worker_s=sum(run["seconds_of_workers"].values()),
        command_s=command_s,
        basis=plan["rests_on"][0],
    )


def broken_promises(found: list[Tried]) -> list[str]:
    """What a plan promises and these did not keep."""
    broken = [
        f"{one.name}, seed {one.seed}: rows are not exact" for one in found if one.rows != one.rows_told
    ]
    broken += [
        f"{one.name}, seed {one.seed}: tokens are off by {one.tokens_off:+.1%}"
        for one in found
        if abs(one.tokens_off) > TOKENS_OFF
    ]
    num_inside = sum(one.is_inside for one in found)
    if num_inside < TIMES_INSIDE * len(found):
        broken.append(f"the time was inside its interval in {num_inside} of {len(found)} tries")
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reviews", type=Path, nargs="+", help="Parquet files of reviews, taken in turns")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rows", type=int, nargs=2, default=(1000, 3000), metavar=("FROM", "TO"))
    parser.add_argument("--record", type=Path, help="a file of JSON lines, read and added to")
    given = parser.parse_args()
    found = read_record(given.record) if given.record and given.record.exists() else []
    for seed in range(given.first_seed, given.first_seed + given.tries):
        file = given.reviews[seed % len(given.reviews)]
        with tempfile.TemporaryDirectory(prefix="reviewmine-plan-") as folder:
            one = attempt(file, Path(folder), num_rows=tuple(given.rows), seed=seed)
        print(one, flush=True)
        found.append(one)
        if given.record:
            with given.record.open("a", encoding="utf-8") as record:
                record.write(json.dumps(asdict(one)) + "\n")
    num_inside = sum(one.is_inside for one in found)
    most_off = max(abs(one.tokens_off) for one in found)
    print(f"{len(found)} tries: time inside in {num_inside}, tokens off by at most {most_off:.1%}")
    if broken := broken_promises(found):
        sys.exit("; ".join(broken))


def read_record(file: Path) -> list[Tried]:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Tried(**line | {name: Interval(*line[name]) for name in ("tokens_told", "seconds_told")})
        for line in lines
    ]


if __name__ == "__main__":
    main()
