"""Prints what a backfill on Ray and object storage comes to through seeded kills and storage faults.

A case is a small archive of three partitions in the store that AWS_ENDPOINT_URL names (scripts/object-store start), its
table, and as many runs as it takes: some are disturbed, by twelve kills or six faults a case, and the last is not.
Kills are of the driver, an actor, a writing worker, a whole node of the cluster, and the proxy before the store; faults
are refusals, resets, cut bodies, lost replies, delays and stale listings by rule. After every run receipts that stood
must stand and be used again, and after the last the table must be its archive, with nothing beside it and no credential
written down.

Every case and its moments follow from its seed. A folder that is named keeps a line of JSON for each case that is done,
and the next call goes on from there; it exits with 1 if any promise was broken, with 4 if its minutes were up before.
"""

import argparse
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "object_store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import backfill_faults
import backfill_kills
from disturbed import Disturbed
from fault_proxy import FaultProxy
from kills_report import report
from nodes import Nodes
from proxy_process import ProxyProcess
from tiny_checkpoint import make_checkpoint

BUCKET = "reviewmine"
RESUMABLE = 4
Record = dict[str, Any]


class Bench:
    """Cases of one kind (kills or faults) before one proxy and on one cluster."""

    def __init__(self, kind: str, proxy: ProxyProcess | FaultProxy, nodes: Nodes, checkpoint: Path) -> None:
        self._kind, self._proxy, self._nodes, self._checkpoint = kind, proxy, nodes, checkpoint

    def case(self, seed: int, kept: Path) -> Record:
        """One case, whole; the output of its runs is left in `kept`, which is what no credential may be in."""
        began = time.monotonic()
        shutil.rmtree(kept, ignore_errors=True)  # of one that was cut off
        kept.mkdir(parents=True)
        case = Disturbed(
            f"s3://{BUCKET}/kills", kept, self._checkpoint, self._nodes.address, earlier=bool(seed % 2)
        )
        if isinstance(self._proxy, ProxyProcess):
            wanted = backfill_kills.kills(seed)
            killer = backfill_kills.run_through(case, self._nodes, self._proxy, wanted, seed)
            struck = [asdict(one) for one in killer.struck]
            missed = [asdict(kill) for kill in killer.pending]
        else:
            rules = backfill_faults.rules_of(seed)
            met = backfill_faults.run_through(case, self._proxy, rules, seed)
            struck = [asdict(rule) for rule in met]
            missed = [asdict(rule) for rule in rules if rule not in met]
        return {
            "kind": self._kind,
            "seed": seed,
            "struck": struck,
            "missed": missed,
            "exit_codes": case.exit_codes,
            "receipts_stood": case.num_stood,
            "receipts_due": case.num_due,
            "receipts_reused": case.num_reused,
            "broken": case.broken + case.places_of_secrets(self._nodes.logs),
            "seconds": round(time.monotonic() - began, 1),
        }


@contextmanager
def benches(kind: str, checkpoint: Path) -> Iterator[Bench]:
    """A proxy and a cluster that are led to it, for as many cases as are wanted."""
    upstream = os.environ["AWS_ENDPOINT_URL"]
    with ProxyProcess(upstream) if kind == "kills" else FaultProxy(upstream) as proxy:
        os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
        try:
            with Nodes() as nodes:
                yield Bench(kind, proxy, nodes, checkpoint)
        finally:
            os.environ["AWS_ENDPOINT_URL"] = upstream


def bench(folder: Path, options: argparse.Namespace) -> int:
    """Cases until as many disturbances struck as are wanted of each kind; the exit code."""
    checkpoint = folder / "tiny" / "checkpoint"
    if not checkpoint.exists():
        make_checkpoint(folder / "tiny")
    kept, deadline = Kept(folder), time.monotonic() + options.minutes * 60
    for kind, wanted in (("kills", options.kills), ("faults", options.faults)):
        seeds = kept.seeds_left(kind) if options.seed is None else iter([options.seed])
        if not wanted or (options.seed is None and kept.num_struck(kind) >= wanted):
            continue
        with benches(kind, checkpoint) as cases:
            for seed in seeds:
                kept.add(cases.case(seed, folder / f"{kind}-{seed}"))
                if kept.num_struck(kind) >= wanted or time.monotonic() > deadline:
                    break
    print(report(kept.records))
    if any(record["broken"] for record in kept.records):
        return 1
    is_done = kept.num_struck("kills") >= options.kills and kept.num_struck("faults") >= options.faults
    return 0 if is_done or options.seed is not None else RESUMABLE


class Kept:
    """The records of the cases that are done, a line each in `cases.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "cases.jsonl"
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        self.records: list[Record] = [json.loads(line) for line in lines]

    def add(self, record: Record) -> None:
        self.records.append(record)
        line = json.dumps(record)
        with self._file.open("a") as out:
            out.write(f"{line}\n")
        print(line, flush=True)

    def num_struck(self, kind: str) -> int:
        return sum(len(record["struck"]) for record in self.records if record["kind"] == kind)

    def seeds_left(self, kind: str) -> Iterator[int]:
        done = {record["seed"] for record in self.records if record["kind"] == kind}
        return (seed for seed in itertools.count() if seed not in done)


def main() -> int:
    """What --help says."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench/kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where to work, and to go on; by default a temporary one")
    parser.add_argument("--kills", type=int, default=60, help="how many (default: 60); a third of them nodes")
    parser.add_argument("--faults", type=int, default=60, help="how many faults of storage (default: 60)")
    parser.add_argument("--seed", type=int, help="the case of this seed alone, though it be done already")
    parser.add_argument(
        "--minutes", type=float, default=600, help="begin no case after so many, and exit with 4"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the cluster and the runs are ended with this
    with tempfile.TemporaryDirectory() as temporary:
        return bench((options.folder or Path(temporary)).resolve(), options)


if __name__ == "__main__":
    sys.exit(main())
