"""Prints what the crash-point enumerators of the tests go through; it stops where a promise is broken."""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from backfill_crash_points import STARTS, Backfills
from crash_points import HOWS, Enumerated, interleaved_everywhere, stopped_everywhere
from iceberg_crash_points import overtaken_everywhere, publish
from iceberg_crash_points import stopped_everywhere as iceberg_stopped_everywhere
from iceberg_world import IcebergWorld
from partition_world import FIRST, SECOND, write
from stores import MemoryStore

NUM_THREADS = 4


def tell(what: str, enumerated: Enumerated) -> None:
    """One line: how many operations, how many cases, and what came out of them how often."""
    outcomes = ", ".join(f"{' + '.join(out)}: {count}" for out, count in sorted(enumerated.outcomes.items()))
    print(
        f"{what}: {len(enumerated.operations)} operations, {enumerated.num_cases} cases ({outcomes})",
        flush=True,
    )


def publishes() -> None:
    """Every crash and every interleaving, with a lease that beats before each put and with one that never does."""
    empty, published = MemoryStore(), MemoryStore()
    write(published, FIRST, 1)
    for beating, lease in ((False, "silent lease"), (True, "beating lease")):
        for name, start in (("first publish", empty), ("overwrite", published)):
            for how in HOWS:
                tell(f"{name}, {lease}, stopped {how}", stopped_everywhere(start.twin, how, beating=beating))
        tell(f"two writers, {lease}, interleaved", interleaved_everywhere(published, beating=beating))
    with tempfile.TemporaryDirectory() as folder:
        world = IcebergWorld(Path(folder))
        publish(world, FIRST, 1)
        world.keep()
        for how in HOWS:
            tell(f"Iceberg overwrite, stopped {how}", iceberg_stopped_everywhere(world, how))
        for others, what in ((SECOND, "publishes the same"), (FIRST, "finds it fresh")):
            tell(f"Iceberg zombie, the other run {what}", overtaken_everywhere(world, SECOND, others))


def backfills(uri: str, hows: Sequence[str], starts: Sequence[str]) -> None:
    """Every crash of a whole backfill of three partitions, tables below `uri`."""
    for start in starts:
        for how in hows:
            with tempfile.TemporaryDirectory() as folder:
                worlds = Backfills(Path(folder), uri, start=start)
                began = time.monotonic()
                found = worlds.stopped_everywhere(how, num_threads=NUM_THREADS)
                seconds = time.monotonic() - began
                tell(f"backfill over {start}, stopped {how}, {seconds:.0f} s", found)


def main() -> None:
    """What --help says."""
    parser = argparse.ArgumentParser(prog="scripts/bench/crash-points", description=__doc__)
    parser.add_argument(
        "--backfills", metavar="URI", help="whole backfills instead, tables below this s3:// URI"
    )
    parser.add_argument("--how", choices=HOWS, action="append", help="only these; by default all of them")
    parser.add_argument("--start", choices=STARTS, action="append", help="only over these; by default both")
    options = parser.parse_args()
    if options.backfills:
        logging.disable(
            logging.WARNING
        )  # each of the tables would tell that its store has no compare-and-swap
        backfills(options.backfills, options.how or HOWS, options.start or STARTS)
    else:
        publishes()
    print("no row lost, none twice, nothing left behind")


if __name__ == "__main__":
    main()
