"""A backfill by the command line that is disturbed, and run again, as often as it takes; what must hold after each run.

Archive and table lie below one URI of an object store, which the environment leads to.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from backfill_world import World
from daily_archive import write_daily
from judgement import (
    breaches,
    partial_partitions,
    rows_of_archive,
    rows_of_status,
    rows_to_reuse,
    standing_receipts,
)

from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.store.table import Table

LIMIT_S = 420
"""A run that takes longer hangs; undisturbed it takes a tenth of that on two idle cores."""
DAYS, FILES, ROWS = 3, 6, 25
Driver = subprocess.Popen[bytes]


class Disturbed:
    """One archive, its table, and the runs between them; `broken` is every promise that did not hold.

    Before the first of them an earlier checkpoint may have published every partition, so that the runs overwrite.
    """

    def __init__(self, uri: str, folder: Path, checkpoint: Path, address: str, *, earlier: bool) -> None:
        """
        Args:
            uri: where archive and table are put, each case in a place of its own.
            folder: where the output of every run is kept.
            address: the Ray cluster that runs are attached to.
        """
        place = f"{uri}/{uuid.uuid4().hex}"
        local = write_daily(folder / "local" / "archive", days=DAYS, files=FILES, rows=ROWS)
        self._put(local, f"{place}/archive")
        self.archive, self.table = Archive(f"{place}/archive"), Table(f"{place}/table")
        if earlier:
            World(folder / "local", table=self.table.uri).run(checkpoint="earlier")
        self._folder, self._checkpoint, self._address = folder, checkpoint, address
        self._expected = rows_of_archive(self.archive)
        self._earlier = set(standing_receipts(self.table))
        self.broken: list[str] = []
        self.exit_codes: list[int] = []
        self.num_stood = self.num_due = self.num_reused = 0
        """Receipts that stood when a run began; those of them whose partition was still to be published, for runs
        that lived to tell what they did; and those that these used again."""

    @property
    def prefix(self) -> str:
        """The `bucket/key` that the keys of table and meta begin with."""
        return self.table.uri.removeprefix("s3://")

    def run(self, disturb: Callable[[Driver], None] = lambda driver: None) -> int:
        """One run, with `disturb` beside it; its exit code."""
        self.broken += [f"before a run: {told}" for told in partial_partitions(self.table, self._expected)]
        before = standing_receipts(self.table)
        to_reuse = self._rows_to_reuse(before)
        number, began = len(self.exit_codes), time.monotonic()
        out, err = (self._folder / f"run-{number}.{kind}" for kind in ("out", "err"))
        environment = {**os.environ, "RAY_ADDRESS": self._address}
        with (
            out.open("wb") as told,
            err.open("wb") as said,
            subprocess.Popen(
                self._command(), stdout=told, stderr=said, env=environment, start_new_session=True
            ) as driver,
        ):
            try:
                disturb(driver)
                driver.wait(max(1.0, began + LIMIT_S - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.broken.append(f"run {number} hung: it was not over after {LIMIT_S} s")
            finally:
                if driver.poll() is None:
                    os.killpg(driver.pid, signal.SIGKILL)
                code = driver.wait()
        self.exit_codes.append(code)
        after = standing_receipts(self.table)
        self.num_stood += len(before.keys() - self._earlier)
        changed = sorted(name for name, body in before.items() if after.get(name) != body)
        self.broken += [f"run {number}: {name} stood and is not what it was" for name in changed]
        told = self._told(number, out)
        if (summary := next((line for line in reversed(told) if "rows_reused" in line), None)) is not None:
            self._count_reused(number, to_reuse, summary)
        return code

    def end(self) -> None:
        """The run after the last disturbance, which must mend everything."""
        code = self.run()
        if code:
            self.broken.append(f"the last run, undisturbed, ended with exit code {code}")
        self.broken += breaches(self.table, self._expected)
        if num_failed := rows_of_status(self.table, "failed"):
            self.broken.append(f"{num_failed} rows failed, and no row kills by itself")

    def places_of_secrets(self, *folders: Path) -> list[str]:
        """Every file of these folders and of the runs' output, and every record in meta, that holds a credential."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        secrets = [os.environ[name].encode() for name in names]
        found = []
        for where, body in self._everything_told(*folders):
            if any(secret in body for secret in secrets):
                found.append(f"{where}: a credential is written there")
        return found

    def _everything_told(self, *folders: Path) -> Iterator[tuple[str, bytes]]:
        for folder in (self._folder, *folders):
            for path in folder.rglob("*"):
                with suppress(FileNotFoundError):  # what lives goes on writing, and takes files away
                    if path.is_file():
                        yield str(path), path.read_bytes()
        for file in self.table.store.list(self.table.layout.meta):
            if file.name.endswith(".json") and (stored := self.table.store.get(file.name)):
                yield file.name, stored.body

    def _told(self, number: int, out: Path) -> list[dict[str, Any]]:
        """What the run told a machine, which is JSON line by line whatever died beside it."""
        lines = out.read_text().splitlines()
        try:
            return [json.loads(line) for line in lines]
        except ValueError:
            self.broken.append(f"run {number}: what it told is not JSON, line by line: {out}")
            return [json.loads(line) for line in lines if line.startswith("{")]

    def _count_reused(self, number: int, to_reuse: int, summary: dict[str, Any]) -> None:
        self.num_due += to_reuse // ROWS
        self.num_reused += min(to_reuse, summary["rows_reused"]) // ROWS
        if summary["rows_reused"] < to_reuse:
            self.broken.append(
                f"run {number}: {to_reuse} rows of receipts stood, {summary['rows_reused']} were reused"
            )

    def _rows_to_reuse(self, receipts: dict[str, bytes]) -> int:
        ours = {name: body for name, body in receipts.items() if name not in self._earlier}
        keys = {name.split("/")[-2] for name in ours}
        assert len(keys) <= 1, keys
        return rows_to_reuse(self.table, ours, keys.pop()) if keys else 0

    def _command(self) -> list[str]:
        options = ["--checkpoint", str(self._checkpoint), "--num-actors", "1", "--json"]
        return [
            *(sys.executable, "-m", "reviewmine", "annotate"),
            *(self.archive.location.uri, self.table.uri, *options),
        ]

    @staticmethod
    def _put(local: Path, uri: str) -> None:
        store = open_store(Location.parse(uri))
        for path in sorted(local.rglob("*.parquet")):
            store.put(path.relative_to(local).as_posix(), path.read_bytes())
