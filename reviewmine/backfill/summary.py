"""Summaries: what a run did, for the person who waits, the machine that reads JSON, and the table's meta."""

from collections import Counter
from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field

from reviewmine.backfill.plan import Plan, Reject
from reviewmine.errors import EXIT_DONE, EXIT_DONE_WITH_REJECTS, EXIT_FAILED, EXIT_RESUMABLE
from reviewmine.labels import ANNOTATED_STATUSES
from reviewmine.partition import Partition
from reviewmine.store.manifest import Manifest
from reviewmine.store.receipts import Receipt
from reviewmine.store.record import Record

RunState = Literal["running", "done", "failed", "stopped"]


class Summary(Record):
    """The totals of one run, and `runs/<run_id>.json` of the table's meta.

    Rows are counted where this run read them; what earlier receipts hold is `rows_reused`. Of the rows read,
    `rows_carried` are those that an earlier generation said the same of already; all others were annotated, and
    `rows_by_status` counts these, tokens and a worker's seconds on its device likewise. A rejected file counts with
    the rows that its footer promises, or none where that cannot be read. `startup_s` went by before the first fragment
    was begun. While it runs, a run puts its record again now and then: `updated_at` is when it was last heard of.
    `result_key` is what its receipts are of; `num_erasures` how many erasures of the table there were when it began:
    whatever it puts heeds these.
    """

    run_id: str
    state: RunState
    started_at: datetime
    updated_at: datetime
    rows_due: int = 0
    rows_read: int = 0
    rows_reused: int = 0
    rows_carried: int = 0
    rows_by_status: dict[str, int] = Field(default_factory=dict)
    rows_rejected: int = 0
    files_rejected: int = 0
    partitions_due: int = 0
    partitions_published: int = 0
    partitions_fresh: int = 0
    partitions_gone: int = 0
    partitions_left: int = 0
    partitions_failed: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    checkpoint: str = ""
    device: str = ""
    num_tokens: int = 0
    seconds_of_workers: dict[str, float] = Field(default_factory=dict)
    startup_s: float = 0.0
    result_key: str = ""
    num_erasures: int = 0

    @property
    def rows_annotated(self) -> int:
        """Rows that a model filled every column of."""
        return sum(count for status, count in self.rows_by_status.items() if status in ANNOTATED_STATUSES)

    @property
    def exit_code(self) -> int:
        if self.state == "stopped":
            return EXIT_RESUMABLE
        if self.state != "done" or self.partitions_failed:
            return EXIT_FAILED
        return EXIT_DONE_WITH_REJECTS if self.files_rejected else EXIT_DONE

    def with_receipt(self, receipt: Receipt) -> "Summary":
        annotated = Counter(receipt.num_rows_by_status) - Counter(receipt.num_carried_by_status)
        counted = Counter(self.rows_by_status) + annotated
        changes: dict[str, object] = {
            "rows_read": self.rows_read + receipt.fragment.num_rows,
            "rows_carried": self.rows_carried + receipt.num_rows_carried,
            "rows_by_status": dict(sorted(counted.items())),
        }
        if effort := receipt.effort:
            before = self.seconds_of_workers.get(effort.worker, 0.0)
            changes |= {
                "device": effort.device,
                "num_tokens": self.num_tokens + effort.num_tokens,
                "seconds_of_workers": self.seconds_of_workers
                | {effort.worker: round(before + effort.seconds, 3)},
            }
        return self.model_copy(update=changes)


class Observer(Protocol):
    """Who watches a run: a progress bar, a log, or a test."""

    def planned(self, plan: Plan, num_rows: int) -> None:
        """The run starts, with `num_rows` still to annotate."""

    def annotated(self, receipt: Receipt) -> None:
        """A fragment was annotated and its receipt stands."""

    def published(self, manifest: Manifest) -> None:
        """A partition is live."""

    def rejected(self, reject: Reject) -> None:
        """A file of the archive cannot be read."""

    def withheld(self, partition: Partition, reason: str) -> None:
        """A partition is not published: a file of it cannot be read, or the publish failed."""

    def finished(self, summary: Summary) -> None:
        """The run is over, however it ended."""
