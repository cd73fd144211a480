"""Two backfills of one table, as processes of their own: begun at the same moment, or the one asleep past its lease.

Without --table the store is moto's server, which has compare-and-swap. Where the store has it, any broken promise ends
this with exit code 1; where it has not, what the weaker promise comes to is counted, and whether one more run mends it.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import botocore.session
from rich.console import Console
from rich.table import Table
from running_backfill import HARSH, IMPATIENT, WAITING
from s3_server import serving
from two_runs import PAUSES, Round, TwoRuns

NEVER_SLEPT = "ended before it slept"
OF_MOTO = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def moto() -> Iterator[str]:
    """A place in a bucket of a server of this process, and the environment that leads there."""
    with serving() as address:
        os.environ.update({"AWS_ENDPOINT_URL": address, **OF_MOTO})
        botocore.session.get_session().create_client("s3").create_bucket(Bucket="races")
        yield "s3://races"


class Counts:
    """How many rounds of one kind ended how, how many broke a promise, and how many of these one more run mends."""

    def __init__(self, two_runs: TwoRuns) -> None:
        self._two_runs = two_runs
        self.outcomes: Counter[str] = Counter()
        self.num_broken = self.num_mended = 0

    def add(self, found: Round | None) -> None:
        self.outcomes[found.outcome if found else NEVER_SLEPT] += 1
        if found and found.broken:
            print(f"  broken: {found.broken[:300]}", flush=True)
            self.num_broken += 1
            self.num_mended += self._two_runs.mend() == ""


def play(what: str, two_runs: TwoRuns, rounds: int, play_one: Callable[[int], Round | None]) -> Counts:
    """So many rounds, with a line once they are over."""
    counts, started = Counts(two_runs), time.monotonic()
    for number in range(rounds):
        counts.add(play_one(number))
    told = ", ".join(f"{outcome} {count}" for outcome, count in counts.outcomes.most_common())
    print(f"{what}: {told}; {counts.num_broken} broken; {time.monotonic() - started:.0f} s", flush=True)
    return counts


def bench(folder: Path, table: str, options: argparse.Namespace) -> dict[str, Counts]:
    two_runs = TwoRuns(folder, table)
    store = two_runs.world.table.store
    print(f"{table}: compare-and-swap {'yes' if store.compare_and_swap else 'no'}", flush=True)
    kinds: dict[str, Callable[[int], Round | None]] = {
        "begun together, not waiting": lambda _: two_runs.race(IMPATIENT),
        "begun together, waiting": lambda _: two_runs.race(WAITING),
        "begun together, each taking the lease from the other": lambda _: two_runs.race(HARSH),
    }
    played = partial(play, two_runs=two_runs)
    found = {
        what: played(what, rounds=options.rounds, play_one=one)
        for what, one in kinds.items()
        if options.rounds
    }
    for number, (operation, part, _) in enumerate(PAUSES if options.naps else ()):
        what = f"asleep before {operation.split('|')[0]} {part}"
        found[what] = played(
            what, rounds=options.naps, play_one=lambda nap, n=number: two_runs.sleep(n + len(PAUSES) * nap)
        )
    tell(found)
    if store.compare_and_swap and any(counts.num_broken for counts in found.values()):
        sys.exit("a promise was broken on a store with compare-and-swap")
    return found


def tell(found: dict[str, Counts]) -> None:
    outcomes = sorted({outcome for counts in found.values() for outcome in counts.outcomes})
    table = Table("rounds", *outcomes, "broken", "mended by one more run", title_justify="left")
    for what, counts in found.items():
        told = (str(counts.outcomes[outcome]) for outcome in outcomes)
        table.add_row(what, *told, str(counts.num_broken), str(counts.num_mended))
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--table", help="an s3:// or local place for tables; the environment leads to the store"
    )
    parser.add_argument("--rounds", type=int, default=20, help="of each kind of race")
    parser.add_argument("--naps", type=int, default=4, help="before each kind of operation")
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        if options.table:
            bench(Path(folder), f"{options.table.rstrip('/')}/{time.time_ns()}/table", options)
            return
        with moto() as bucket:
            bench(Path(folder), f"{bucket}/table", options)


if __name__ == "__main__":
    main()
