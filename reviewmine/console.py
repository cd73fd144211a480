"""Consoles: what a run says while it goes on, to a person at a terminal, to a log, or to a machine.

A console writes to what standard output was at its birth: what Ray says meanwhile is led elsewhere.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from reviewmine.backfill.plan import Plan, Reject, State
from reviewmine.backfill.summary import Summary
from reviewmine.partition import Partition
from reviewmine.store.manifest import Manifest
from reviewmine.store.receipts import Receipt


class JsonConsole:
    """One JSON object per partition, as soon as its end is known, and a last one with the totals."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def planned(self, plan: Plan, num_rows: int) -> None:
        for planned in plan.partitions:
            if planned.is_due:
                continue
            rows = (
                {"rows": planned.live.num_rows} if planned.state in ("fresh", "gone") and planned.live else {}
            )
            reasons = {"reasons": planned.reasons} if planned.reasons else {}
            self._say(partition=str(planned.partition), state=planned.state, **rows, **reasons)

    def annotated(self, receipt: Receipt) -> None:
        """Fragments are of no interest to a machine that counts partitions."""

    def published(self, manifest: Manifest) -> None:
        self._say(partition=manifest.partition or "all", state="published", rows=manifest.num_rows)

    def rejected(self, reject: Reject) -> None:
        self._say(rejected=reject.path, reason=reject.reason)

    def withheld(self, partition: Partition, reason: str) -> None:
        self._say(partition=str(partition), state="withheld", reason=reason)

    def finished(self, summary: Summary) -> None:
        self._say(
            **summary.model_dump(mode="json"),
            rows_annotated=summary.rows_annotated,
            exit_code=summary.exit_code,
        )

    def _say(self, **values: Any) -> None:
        print(json.dumps(values), flush=True, file=self._out)


class LogConsole:
    """One plain line per partition, for logs: what, how many rows, how fast, how long still."""

    def __init__(self) -> None:
        self._out = sys.stdout
        self._pace = _Pace(0)
        self._num_due = self._num_published = 0

    def planned(self, plan: Plan, num_rows: int) -> None:
        self._pace = _Pace(num_rows)
        self._num_due = len(plan.due())
        always = ("missing", "stale", "fresh", "gone")
        states = [state for state in get_args(State) if state in always or plan.count(state)]
        counted = ", ".join(f"{plan.count(state)} {state}" for state in states)
        or_known = " or carry over" if plan.count("stale") else ""
        self._say(f"plan: {counted} partitions; {num_rows:,} rows to annotate{or_known}")
        for line in _remarks(plan):
            self._say(line)

    def annotated(self, receipt: Receipt) -> None:
        self._pace.add(receipt.fragment.num_rows)

    def published(self, manifest: Manifest) -> None:
        self._num_published += 1
        self._say(
            f"partition {manifest.partition or 'all'} is live: {manifest.num_rows:,} rows "
            f"({self._num_published} of {self._num_due} partitions, {self._pace})"
        )

    def rejected(self, reject: Reject) -> None:
        self._say(f"rejected: {reject.reason}")

    def withheld(self, partition: Partition, reason: str) -> None:
        self._say(f"partition {partition} is not published: {reason}")

    def finished(self, summary: Summary) -> None:
        self._say(
            f"{summary.state}: {summary.partitions_published} partitions published, {summary.partitions_fresh} "
            f"fresh, {len(summary.partitions_failed)} failed; {summary.rows_read:,} rows read, "
            f"{summary.rows_annotated:,} annotated, {summary.rows_carried:,} carried over, "
            f"{summary.rows_reused:,} reused, "
            f"{summary.files_rejected} files rejected; {summary.seconds:.1f} s"
        )

    def _say(self, line: str) -> None:
        print(line, flush=True, file=self._out)


class TerminalConsole:
    """Bars that move while a person looks on, and one table at the end."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout)
        self._pace = _Pace(0)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _PaceColumn(self),
            console=self._console,
            transient=True,
        )
        self._num_rejects = 0

    @property
    def note(self) -> str:
        rejects = f", {self._num_rejects} rejects" if self._num_rejects else ""
        return f"{self._pace}{rejects}"

    def planned(self, plan: Plan, num_rows: int) -> None:
        self._pace = _Pace(num_rows)
        self._partitions = self._progress.add_task("partitions", total=len(plan.due()))
        self._rows = self._progress.add_task("rows", total=num_rows)
        for line in _remarks(plan):
            self._console.print(Text(line))
        if plan.due():
            self._progress.start()

    def annotated(self, receipt: Receipt) -> None:
        self._pace.add(receipt.fragment.num_rows)
        self._progress.advance(self._rows, receipt.fragment.num_rows)

    def published(self, manifest: Manifest) -> None:
        self._progress.advance(self._partitions)

    def rejected(self, reject: Reject) -> None:
        self._num_rejects += 1
        self._progress.console.print(Text(f"rejected: {reject.reason}", style="yellow"))

    def withheld(self, partition: Partition, reason: str) -> None:
        self._progress.console.print(Text(f"partition {partition} is not published: {reason}", style="red"))

    def finished(self, summary: Summary) -> None:
        self._progress.stop()
        table = Table(title=f"run {summary.run_id}: {summary.state}", title_justify="left")
        for column in (
            "partitions published",
            "fresh",
            "failed",
            "rows read",
            "annotated",
            "carried over",
            "rejects",
            "seconds",
        ):
            table.add_column(column, justify="right")
        table.add_row(
            f"{summary.partitions_published:,}",
            f"{summary.partitions_fresh:,}",
            f"{len(summary.partitions_failed):,}",
            f"{summary.rows_read:,}",
            f"{summary.rows_annotated:,}",
            f"{summary.rows_carried:,}",
            f"{summary.files_rejected:,}",
            f"{summary.seconds:.1f}",
        )
        self._console.print(table)


AnyConsole = JsonConsole | LogConsole | TerminalConsole


def console_for(*, as_json: bool) -> AnyConsole:
    """What suits who is listening: JSON if asked for, bars on a terminal, plain lines otherwise."""
    if as_json:
        return JsonConsole()
    return TerminalConsole() if sys.stdout.isatty() else LogConsole()


def _remarks(plan: Plan) -> Iterator[str]:
    """What a person should know of a plan beyond its numbers."""
    for planned in plan.partitions:
        why = ", ".join(planned.reasons)
        if planned.state in ("stale", "pruned", "unsettled"):
            yield f"partition {planned.partition} is {planned.state}: {why}"
        if planned.state == "gone":
            yield f"partition {planned.partition} is gone from the archive; its rows stay in the table: {why}"


class _PaceColumn(ProgressColumn):
    def __init__(self, console: TerminalConsole) -> None:
        super().__init__()
        self._console = console

    def render(self, task: Task) -> Text:
        return Text(self._console.note if task.description == "rows" else "")


class _Pace:
    """Rows per second since the first rows came, and the time left at that pace; neither before it is known."""

    def __init__(self, num_rows: int) -> None:
        self._num_rows = num_rows
        self._num_done = 0
        self._first_rows = 0
        self._first_at: float | None = None
        self._started = time.monotonic()

    def add(self, num_rows: int) -> None:
        self._num_done += num_rows
        if self._first_at is None:
            self._first_at = time.monotonic()
            self._first_rows = num_rows

    def __str__(self) -> str:
        if self._first_at is None:
            return "starting"
        now = time.monotonic()
        rows, seconds = self._num_done - self._first_rows, now - self._first_at
        if not rows:  # one fragment so far: its start-up is in its time, so this errs to the slow side
            rows, seconds = self._num_done, now - self._started
        pace = rows / max(seconds, 1e-9)
        return f"{pace:,.0f} rows/s, {time_text((self._num_rows - self._num_done) / pace)} left"


def time_text(seconds: float) -> str:
    """A length of time for a person: `2 h 05 min`, `3 min 20 s`, `12 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    )
