"""A world for backfills: an archive and a table side by side, an executor of this process, and the last judgement."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from archives import reviews, write_files
from numpy.typing import NDArray
from partition_world import silent

from reviewmine.annotate.carryover import carry_over
from reviewmine.annotate.prepare import language_of
from reviewmine.backfill.earlier import EarlierRows
from reviewmine.backfill.plan import Plan, Planner
from reviewmine.backfill.recovering import recover_dead_publishes
from reviewmine.backfill.result import Result, result_of
from reviewmine.backfill.run import Run
from reviewmine.backfill.selection import Selection
from reviewmine.backfill.summary import Summary
from reviewmine.backfill.work import FragmentReader, FragmentWriter, Job, Outcome, Task
from reviewmine.contract.annotations import annotations_schema, conform, unannotated
from reviewmine.contract.carried import CARRIED_PREFIX
from reviewmine.contract.reviews import ReviewColumns, carried_fields
from reviewmine.errors import ArchiveError, ContractError
from reviewmine.partition import Partition, PartitionBy, PartitionRange
from reviewmine.store.archive import Archive
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.journal import partitions_with_journals
from reviewmine.store.layout import new_run_id
from reviewmine.store.lease import Patience, take_lease
from reviewmine.store.manifest import live_manifest, published_partitions
from reviewmine.store.receipts import Effort
from reviewmine.store.table import Table

FIRST, SECOND = "dt=2024-01-01", "dt=2024-01-02"
EXPECTED = {FIRST: ["a1", "a2", "a2", "b1"], SECOND: ["c1", "a1"]}
NUM_FRAGMENTS = 3
TOKENS_PER_S = 500


class InProcess:
    """Executes tasks one after another, and makes annotations up: `empty` for every row, `failed` for failed rows.

    Rows that an earlier generation holds are carried over, as the read stage does it; `annotated` are the ids of the
    others, which go through the model.

    A task whose rows hold a review of `poison`, unless it is known to fail, crashes its worker; one of `unlucky`
    does so once, whatever is in it. `after` sees every outcome before the run does.
    """

    def __init__(
        self,
        job: Job,
        *,
        poison: Collection[str] = (),
        unlucky: Collection[str] = (),
        after: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self._job = job
        self._read = FragmentReader(job)
        self._read_earlier = EarlierRows(job)
        self._write = FragmentWriter(job)
        self._poison = frozenset(poison)
        self._unlucky = set(unlucky)
        self._after = after
        self._num_begun = 0
        self.outcomes: list[Outcome] = []
        self.annotated: list[str] = []

    def execute(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        for task in tasks:
            outcome = self._outcome(task)
            self.outcomes.append(outcome)
            self._after(outcome)
            yield outcome

    def _outcome(self, task: Task) -> Outcome:
        try:
            reviews = self._read(task)
            earlier = self._read_earlier(task, reviews["input_hash"])
            reviews, carried_over = carry_over(
                reviews, earlier.rows, source_file=task.fragment.path, carried=self._job.carried
            )
            if self._dies_of(task, reviews):
                return Outcome(kind="poisoned", task=task, reason="the worker died")
            effort = self._effort(reviews)
            if task.probe:
                return Outcome(
                    kind="probed", task=task, effort=effort, num_bytes=1000 + 50 * reviews.num_rows
                )
            self.annotated += reviews["review_id"].to_pylist()
            receipt = self._write(task, self._annotate(task, reviews), carried_over, effort)
            return Outcome(kind="done", task=task, receipt=receipt, remark=earlier.remark)
        except (ArchiveError, ContractError) as unread:
            return Outcome.unread(task, unread)

    def _effort(self, reviews: pa.Table) -> Effort:
        """Two workers in turns, at 500 tokens a second; a token is a word."""
        num_tokens = int(num_words(reviews).sum())
        self._num_begun += 1
        worker = f"worker-{self._num_begun % 2}"
        return Effort(num_tokens=num_tokens, seconds=num_tokens / TOKENS_PER_S, worker=worker, device="cpu")

    def _dies_of(self, task: Task, reviews: pa.Table) -> bool:
        if task.fragment.path in self._unlucky:
            self._unlucky.remove(task.fragment.path)
            return True
        rows = zip(reviews["source_row"].to_pylist(), reviews["review_id"].to_pylist(), strict=True)
        return any(review in self._poison and row not in task.failed_rows for row, review in rows)

    def _annotate(self, task: Task, reviews: pa.Table) -> pa.Table:
        num_rows = reviews.num_rows
        is_failed = pc.is_in(reviews["source_row"], pa.array(task.failed_rows, pa.int64()))
        made = unannotated(num_rows, "empty")
        columns = {name: reviews[name] for name in ("review_id", "product_id", "reviewed_at", "source_row")}
        columns |= {name: made[name] for name in made.column_names}
        columns |= {
            "status": pc.if_else(is_failed, "failed", "empty"),
            "language": pa.array([language_of(*row) for row in _written(reviews)], pa.string()),
            "source_file": pa.repeat(task.fragment.path, num_rows),
            "input_hash": reviews["input_hash"],
            "model_version": pa.repeat("made up", num_rows),
            "run_id": pa.repeat(self._job.run_id, num_rows),
            "annotated_at": pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC")), num_rows),
        }
        columns |= {field.name: reviews[CARRIED_PREFIX + field.name] for field in self._job.carried}
        return conform(pa.table(columns), annotations_schema(self._job.carried), where="made up")


def _written(reviews: pa.Table) -> Iterator[tuple[str | None, str]]:
    """The language column and the body of each review."""
    return zip(
        reviews["language"].to_pylist(), (body or "" for body in reviews["body"].to_pylist()), strict=True
    )


def num_words(reviews: pa.Table) -> NDArray[np.int64]:
    """The words of each body [rows]: what tokens are here."""
    return np.array([len((body or "").split()) for body in reviews["body"].to_pylist()], np.int64)


class Watching:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.num_planned_rows = 0
        self.published_partitions: list[str] = []
        self.rejected_files: list[str] = []
        self.num_annotated_rows = 0
        self.withheld_partitions: dict[str, str] = {}
        self.summaries: list[Summary] = []

    def planned(self, plan: Plan, num_rows: int) -> None:
        self.num_planned_rows = num_rows

    def annotated(self, receipt) -> None:
        self.num_annotated_rows += receipt.fragment.num_rows

    def published(self, manifest) -> None:
        self.published_partitions.append(manifest.partition)

    def rejected(self, reject) -> None:
        self.rejected_files.append(reject.path)

    def withheld(self, partition, reason: str) -> None:
        self.withheld_partitions[partition.path] = reason

    def finished(self, summary) -> None:
        self.summaries.append(summary)


class World:
    """One archive, one table, and the settings of the runs between them."""

    def __init__(
        self,
        root: Path,
        *,
        partition_by: PartitionBy | None = None,
        carry: Sequence[str] = (),
        columns: ReviewColumns | None = None,
        execute: Callable[..., Any] = InProcess,
        archive: str | None = None,
        table: str | None = None,
        iceberg: IcebergSettings | None = None,
    ) -> None:
        self.root = root / "archive"
        self._archive = archive
        self.table = Table(table or str(root / "table"))
        self.iceberg = iceberg
        self.partition_by = partition_by
        self.carry = carry
        self.columns = columns or ReviewColumns()
        self.execute = execute
        self.executor: Any = None
        self.watching = Watching()
        self.patience: Callable[[], Patience] = silent

    @property
    def archive(self) -> str:
        return self._archive or str(self.root)

    def write(self, files: Mapping[str, pa.Table], *, rows_per_group: int = 1000) -> "World":
        write_files(self.root, files, rows_per_group=rows_per_group)
        return self

    def planner(self, only: str | None = None, selection: Selection | None = None) -> Planner:
        return Planner(
            Archive(self.archive),
            self.table,
            columns=self.columns,
            partition_by=self.partition_by,
            only=PartitionRange.parse(only) if only else None,
            selection=selection,
        )

    def result(self, planner: Planner, checkpoint: str = "one") -> Result:
        return result_of(
            checkpoint_digest=checkpoint,
            columns=self.columns,
            carried=carried_fields(planner.schemas(), self.carry) if self.carry else (),
            partition_by=self.partition_by,
            annotate_unsupported=False,
        )

    def plan(
        self, only: str | None = None, *, checkpoint: str = "one", selection: Selection | None = None
    ) -> Plan:
        planner = self.planner(only, selection)
        return planner.plan(self.result(planner, checkpoint))

    def states(
        self, only: str | None = None, *, checkpoint: str = "one", selection: Selection | None = None
    ) -> dict[str, str]:
        """The state of each planned partition, with its reasons if it has any."""
        planned = self.plan(only, checkpoint=checkpoint, selection=selection).partitions
        return {str(p.partition): ": ".join([p.state, *p.reasons]) for p in planned}

    def prepare(
        self,
        only: str | None = None,
        *,
        checkpoint: str = "one",
        max_rejects: int = 0,
        selection: Selection | None = None,
        budget_hours: float | None = None,
        together: bool = False,
        observer: Watching | None = None,
        **executor: object,
    ) -> Run:
        """A run that was planned, and has put nothing yet but the table's record."""
        planner = self.planner(only, selection)
        self.table.make_or_match(
            planner.partition_keys, self.partition_by, carried=self.carry, iceberg=self.iceberg
        )
        job = self.job(planner, checkpoint)
        recovered = recover_dead_publishes(self.table, job.run_id, self.patience())
        self.executor = self.execute(job, **executor)
        self.watching = observer or Watching()
        plan = planner.plan(self.result(planner, checkpoint), damaged=recovered.damaged)
        return Run(
            job,
            plan,
            self.executor,
            self.watching,
            max_rejects=max_rejects,
            patience=self.patience(),
            budget_hours=budget_hours,
            together=together,
        )

    def job(self, planner: Planner, checkpoint: str = "one") -> Job:
        return Job(
            archive=Archive(self.archive),
            table=self.table,
            run_id=new_run_id(),
            result_key=self.result(planner, checkpoint).key,
            columns=self.columns,
            carried=carried_fields(planner.schemas(), self.carry) if self.carry else (),
            partition_by=self.partition_by,
        )

    def run(self, only: str | None = None, **settings: object) -> Summary:
        """One run, whole."""
        return self.prepare(only, **settings).run()

    def num_done(self) -> int:
        """How many fragments the last run annotated."""
        assert self.executor is not None
        return sum(outcome.kind == "done" for outcome in self.executor.outcomes)

    def live_files(self) -> dict[str, str]:
        """Every file of the table with its etag, which says whether it was touched."""
        return {file.name: file.etag for file in self.table.store.list(self.table.layout.table)}

    def rows(self) -> Counter[tuple[str, str]]:
        """Partition and review id of every row that a reader of the table sees."""
        seen: Counter[tuple[str, str]] = Counter()
        for name in self.live_files():
            partition = Partition.of_file(name)
            with self.table.store.open(name) as file:
                ids = pq.read_table(file)["review_id"].to_pylist()
            seen.update((str(partition), review) for review in ids)
        return seen

    def judge(self, expected: Mapping[str, Sequence[str]]) -> None:
        """The table holds exactly these ids under these partitions, and nothing that no manifest names."""
        assert self.rows() == Counter(
            (partition, review) for partition, ids in expected.items() for review in ids
        )
        store, layout = self.table.store, self.table.layout
        manifests = [live_manifest(store, layout, p) for p in published_partitions(store, layout)]
        named = sorted(name for manifest in manifests if manifest for name in manifest.live_files)
        assert sorted(self.live_files()) == named
        assert partitions_with_journals(store, layout) == []
        assert list(store.list(layout.scratch)) == []

    def statuses(self) -> dict[tuple[str, int], str]:
        """The status of every row of the table, by its lineage."""
        return {(row["source_file"], row["source_row"]): row["status"] for row in self.whole_rows()}

    def whole_rows(self) -> list[dict[str, Any]]:
        """Every row of the table with all its columns, in order of its lineage."""
        found = []
        for name in self.live_files():
            with self.table.store.open(name) as file:
                found += pq.read_table(file).to_pylist()
        return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))

    def records(self) -> list[Summary]:
        """The records of all runs, in order of their start."""
        store, layout = self.table.store, self.table.layout
        names = [file.name for file in store.list(f"{layout.meta}/runs")]
        found = [Summary.decode(store.get(name).body, where=name) for name in names]
        return sorted(found, key=lambda record: record.started_at)


def two_days(root: Path) -> World:
    """Two days, three files, ids that repeat; EXPECTED is what its table must hold."""
    return World(root).write(
        {
            f"{FIRST}/a.parquet": reviews(["a1", "a2", "a2"]),
            f"{FIRST}/b.parquet": reviews(["b1"]),
            f"{SECOND}/c.parquet": reviews(["c1", "a1"]),
        }
    )


def beaten_by_another(world: World, partition: Partition) -> tuple[Patience, str]:
    """Another run takes the lease of `partition` and stays alive: its heartbeat moves whenever somebody waits."""
    elapsed_s = [0.0]
    now = lambda: elapsed_s[0]  # noqa: E731
    mine = Patience(
        ttl_s=1, wait_s=100, poll_s=1, now=now, sleep=lambda s: elapsed_s.__setitem__(0, elapsed_s[0] + s)
    )
    run_id = new_run_id()
    lease = take_lease(world.table.store, world.table.layout, partition, run_id, mine)

    def wait(seconds: float) -> None:
        elapsed_s[0] += seconds
        lease.keep()

    return Patience(ttl_s=2, wait_s=5, poll_s=1, now=now, sleep=wait), run_id
