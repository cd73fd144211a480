"""Run: carries a plan out, fragment by fragment, and publishes each partition as soon as its last receipt stands."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Protocol

from reviewmine.backfill.earlier import EarlierParts
from reviewmine.backfill.plan import Plan, PlannedPartition, Reject
from reviewmine.backfill.poison import isolate
from reviewmine.backfill.stopping import StopSignal
from reviewmine.backfill.summary import Observer, RunState, Summary
from reviewmine.backfill.work import Job, Outcome, Task
from reviewmine.errors import (
    PublishError,
    RejectBudgetExceeded,
    ReviewmineError,
    Stopped,
    StoreError,
    TableError,
)
from reviewmine.partition import Partition
from reviewmine.store.fragment import Fragment
from reviewmine.store.generation import Generation
from reviewmine.store.lease import Patience
from reviewmine.store.parallel import in_parallel
from reviewmine.store.publish import Publisher
from reviewmine.store.receipts import Receipt, get_receipt
from reviewmine.store.record import Record
from reviewmine.store.tombstones import get_tombstones

_log = logging.getLogger(__name__)
_MAX_ISOLATIONS = 3
_RECORD_EVERY_S = 30
_UNREADABLE = "a file of it cannot be read"


class Executor(Protocol):
    """Whatever runs tasks: a Ray cluster, or this process. Outcomes come in any order, one for each task.

    What it returns is closed before the run says that it is over: its workers end with that.
    """

    def execute(self, tasks: Sequence[Task]) -> Generator[Outcome, None, None]: ...


class RejectRecord(Record):
    """`rejects/<run_id>/<file>.json`: a file that could not be read."""

    path: str
    reason: str


class Run:
    """One run of one plan."""

    def __init__(
        self,
        job: Job,
        plan: Plan,
        executor: Executor,
        observer: Observer,
        *,
        max_rejects: int = 0,
        patience: Patience | None = None,
        stop: StopSignal | None = None,
        budget_hours: float | None = None,
        together: bool = False,
    ) -> None:
        """
        Args:
            together: publish all partitions in one commit, when the last of them is annotated; none if
                one failed, or more files than are tolerated cannot be read.
        """
        self._job = job
        self._plan = plan
        self._executor = executor
        self._observer = observer
        self._max_rejects = max_rejects
        self._budget_hours = budget_hours
        self._publisher = Publisher(job.table.store, job.table.layout, job.table.live, job.run_id, patience)
        self._receipts: dict[str, Receipt] = {}
        self._rejected: set[str] = set()
        self._last_reject = ""
        self._waiting = {planned.partition: planned for planned in plan.due()}
        self._touching: dict[str, list[Partition]] = defaultdict(list)
        self._missing: Counter[Partition] = Counter()
        self._stop = stop or StopSignal()
        self._together = together
        self._complete: list[PlannedPartition] = []
        self._started = self._recorded = time.monotonic()
        self.summary = Summary(
            run_id=job.run_id,
            state="running",
            started_at=datetime.now(UTC),
            updated_at=datetime.now(UTC),
            partitions_due=len(self._waiting),
            partitions_fresh=plan.count("fresh"),
            partitions_gone=plan.count("gone"),
            partitions_left=plan.count("unsettled") + plan.count("later"),
            checkpoint=plan.result.ingredients.get("checkpoint", ""),
            result_key=job.result_key,
        )

    def run(self) -> Summary:
        """The totals, once every partition that can be is published.

        Raises Stopped, or what went wrong, or RejectBudgetExceeded after that; the run's record says so too, and every
        receipt that stands will be used by the next run.
        """
        num_erasures = get_tombstones(self._job.table.store, self._job.table.layout).num_erasures
        self.summary = self.summary.model_copy(update={"num_erasures": num_erasures})
        self._record("running")
        try:
            with self._stop.heeded():
                self._annotate()
                self._check_rejects()
                self._publish_together()
        except BaseException as error:
            with suppress(StoreError):  # a store that is away is told of by the error that is raised
                self._record("stopped" if isinstance(error, Stopped) else "failed")
            self._observer.finished(self.summary)
            raise
        self._record("failed" if self.summary.partitions_failed else "done")
        self._observer.finished(self.summary)
        return self.summary

    def _annotate(self) -> None:
        for reject in self._plan.rejects:
            self._reject(reject)
        tasks = self._pending()
        rows_due = sum(task.fragment.num_rows for task in tasks)
        self.summary = self.summary.model_copy(update={"rows_due": rows_due})
        self._observer.planned(self._plan, rows_due)
        for partition in self._plan.blocked:
            self._observer.withheld(partition, _UNREADABLE)
        for partition, reason in self._plan.failed.items():
            self._fail(partition, reason)
        for partition in [p for p in self._waiting if not self._missing[p]]:
            self._stop.check()
            self._completed(partition)
        poisoned = self._execute(tasks)
        for _ in range(_MAX_ISOLATIONS):
            if not poisoned:
                return
            poisoned = self._execute(isolate(self._interruptible, poisoned))
        if poisoned:
            named = ", ".join(f"{t.fragment.path} rows {t.span[0]} to {t.span[1]}" for t in poisoned)
            raise ReviewmineError(
                f"{named}: workers keep dying on these rows together, though on none alone; give the workers more "
                "memory or lower tokens_per_batch, and rerun"
            )

    def _pending(self) -> list[Task]:
        """The fragments without a receipt, in order of partition; what others have stands and is used."""
        fragments: dict[str, Fragment] = {}
        for planned in self._plan.due():
            for fragment in planned.fragments:
                fragments[fragment.id] = fragment
                self._touching[fragment.id].append(planned.partition)
        for fragment_id, receipt in zip(fragments, self._standing(list(fragments.values())), strict=True):
            if receipt is not None:
                self._receipts[fragment_id] = receipt
            else:
                self._missing.update(self._touching[fragment_id])
        reused = sum(receipt.fragment.num_rows for receipt in self._receipts.values())
        self.summary = self.summary.model_copy(update={"rows_reused": reused})
        pending = {name: fragment for name, fragment in fragments.items() if name not in self._receipts}
        if not pending:
            return []
        earlier = EarlierParts(self._plan)
        return [earlier.task(fragment, self._touching[name]) for name, fragment in pending.items()]

    def _standing(self, fragments: list[Fragment]) -> list[Receipt | None]:
        """The receipt of each fragment; none counts that was put before rows were erased, and not rewritten since."""
        store, layout, result_key = self._job.table.store, self._job.table.layout, self._job.result_key
        num_erasures = get_tombstones(store, layout).num_erasures

        def look(fragment: Fragment) -> Receipt | None:
            found = get_receipt(store, layout, result_key, fragment)
            return found if found and found.num_erasures == num_erasures else None

        return in_parallel(look, fragments)

    def _execute(self, tasks: Sequence[Task]) -> list[Task]:
        """Annotate and publish; the tasks that crashed their workers are returned."""
        if not tasks:
            return []
        with closing(self._interruptible(tasks)) as outcomes:
            return [outcome.task for outcome in outcomes if not self._is_settled(outcome)]

    def _is_settled(self, outcome: Outcome) -> bool:
        """Take the outcome in; false for a task that crashed its workers."""
        if outcome.remark:
            _log.warning("%s", outcome.remark)
        if outcome.kind == "rejected":
            self._reject(Reject(outcome.task.fragment.path, outcome.reason))
            self._withhold(self._touching[outcome.task.fragment.id])
        elif outcome.kind == "failed":
            for partition in self._touching[outcome.task.fragment.id]:
                if self._waiting.pop(partition, None):
                    self._fail(partition, outcome.reason)
        elif outcome.receipt is not None:
            self._received(outcome.receipt)
        return outcome.kind != "poisoned"

    def _interruptible(self, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
        """The outcomes of `tasks`; a stop signal is heeded while waiting for one, never while publishing.

        However it ends, its workers have ended before: nothing is put once the run's record says that it is over.
        """
        with closing(self._executor.execute(tasks)) as outcomes:
            while True:
                with self._stop.interrupting():
                    outcome = next(outcomes, None)
                if outcome is None:
                    return
                yield outcome

    def _received(self, receipt: Receipt) -> None:
        fragment_id = receipt.fragment.id
        self._receipts[fragment_id] = receipt
        if receipt.effort and not self.summary.startup_s:
            startup_s = time.monotonic() - self._started - receipt.effort.seconds
            self.summary = self.summary.model_copy(update={"startup_s": round(max(startup_s, 0.001), 3)})
        self.summary = self.summary.with_receipt(receipt)
        self._observer.annotated(receipt)
        if time.monotonic() - self._recorded >= _RECORD_EVERY_S:
            with suppress(
                StoreError
            ):  # that it lives is told again later; what it made stands in its receipts
                self._record("running")
        for partition in self._touching[fragment_id]:
            self._missing[partition] -= 1
            if not self._missing[partition]:
                self._completed(partition)

    def _withhold(self, partitions: Sequence[Partition]) -> None:
        """These lack rows that nobody can read; their count of missing fragments never reaches zero."""
        for partition in partitions:
            if self._waiting.pop(partition, None):
                self._observer.withheld(partition, _UNREADABLE)

    def _completed(self, partition: Partition) -> None:
        self._complete.append(self._waiting.pop(partition))
        if not self._together:
            self._publish([self._complete.pop()])
        self._check_budget()

    def _publish_together(self) -> None:
        """What has waited for one commit, unless a partition that belongs into it failed."""
        complete = sorted(self._complete, key=lambda planned: planned.partition)
        elsewhere = {str(partition) for partition in self._plan.out_of_range}
        if failed := [name for name in self.summary.partitions_failed if name not in elsewhere]:
            others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            reason = (
                f"held back, for {failed[0]}{others} failed and --atomic-run publishes all partitions or none; what is "
                "annotated stands for the next run"
            )
            for planned in complete:
                self._fail(planned.partition, reason)
        else:
            self._publish(complete)

    def _publish(self, complete: Sequence[PlannedPartition]) -> None:
        """In one commit; none of `complete` is published if one of them cannot be."""
        try:
            manifests = self._publisher.publish_together([self._generation(planned) for planned in complete])
        except (PublishError, StoreError, TableError) as error:
            for planned in complete:
                self._fail(planned.partition, str(error))
            return
        num_published = self.summary.partitions_published + len(manifests)
        self.summary = self.summary.model_copy(update={"partitions_published": num_published})
        for manifest in manifests:
            self._observer.published(manifest)

    def _fail(self, partition: Partition, reason: str) -> None:
        failed = {**self.summary.partitions_failed, str(partition): reason}
        self.summary = self.summary.model_copy(update={"partitions_failed": failed})
        self._observer.withheld(partition, reason)

    def _check_budget(self) -> None:
        """Raises Stopped where a partition has ended, the budget has too, and there are partitions left."""
        hours = (time.monotonic() - self._started) / 3600
        if self._budget_hours is not None and hours >= self._budget_hours and self._waiting:
            raise Stopped(
                f"stopped after {hours:.2g} hours, as the budget of {self._budget_hours:g} asks, with "
                f"{len(self._waiting)} partitions left; what is annotated stands: run the same command again to go on"
            )

    def _generation(self, planned: PlannedPartition) -> Generation:
        return Generation(
            partition=planned.partition,
            result_key=self._plan.result.key,
            ingredients=self._plan.result.ingredients,
            inputs=planned.inputs,
            receipts=tuple(self._receipts[fragment.id] for fragment in planned.fragments),
            planned_on=planned.live.origin if planned.live else "",
        )

    def _reject(self, reject: Reject) -> None:
        """Count and record a file, once however many of its fragments are rejected."""
        if reject.path in self._rejected:
            return
        self._rejected.add(reject.path)
        store, layout = self._job.table.store, self._job.table.layout
        record = RejectRecord(path=reject.path, reason=reject.reason)
        store.put(layout.reject(self._job.run_id, reject.path), record.encode())
        found = (f.num_rows for p in self._plan.due() for f in p.inputs if f.path == reject.path)
        num_rows = next(found, 0)
        self.summary = self.summary.model_copy(
            update={
                "files_rejected": self.summary.files_rejected + 1,
                "rows_rejected": self.summary.rows_rejected + num_rows,
            }
        )
        self._observer.rejected(reject)
        self._last_reject = reject.reason

    def _check_rejects(self) -> None:
        """Raises RejectBudgetExceeded, when the partitions without a rejected file have had their turn."""
        if self.summary.files_rejected > self._max_rejects:
            raise RejectBudgetExceeded(
                f"{self.summary.files_rejected} archive files cannot be read, {self._max_rejects} are tolerated "
                f"(max_rejects in the run file); the last: {self._last_reject}"
            )

    def _record(self, state: RunState) -> None:
        self._recorded = time.monotonic()
        seconds = round(self._recorded - self._started, 3)
        changes = {"state": state, "seconds": seconds, "updated_at": datetime.now(UTC)}
        self.summary = self.summary.model_copy(update=changes)
        self._job.table.store.put(self._job.table.layout.run(self._job.run_id), self.summary.encode())
