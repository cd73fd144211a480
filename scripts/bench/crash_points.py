"""Prints what the crash-point enumerator of the tests goes through; it stops where a promise is broken."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from crash_points import HOWS, Enumerated, interleaved_everywhere, stopped_everywhere
from iceberg_crash_points import overtaken_everywhere, publish
from iceberg_crash_points import stopped_everywhere as iceberg_stopped_everywhere
from iceberg_world import IcebergWorld
from partition_world import FIRST, SECOND, write
from stores import MemoryStore


def tell(what: str, enumerated: Enumerated) -> None:
    """One line: how many operations, how many cases, and what came out of them how often."""
    outcomes = ", ".join(f"{' + '.join(out)}: {count}" for out, count in sorted(enumerated.outcomes.items()))
    print(
        f"{what}: {len(enumerated.operations)} operations, {enumerated.num_cases} cases ({outcomes})",
        flush=True,
    )


def main() -> None:
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
    print("no row lost, none twice, nothing left behind")


if __name__ == "__main__":
    main()
