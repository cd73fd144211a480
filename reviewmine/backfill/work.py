"""Work: what one fragment asks of a worker, what comes back, and the reading and writing at its two ends.

The stages between, from clean to summary, are the annotate package's; whoever executes the work joins the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.annotations import annotations_schema, validate
from reviewmine.contract.annotations import conform as conform_annotations
from reviewmine.contract.dividing import derived_values
from reviewmine.contract.reviews import ReviewColumns, check_schema, conform
from reviewmine.errors import ArchiveError, ArchiveUnsettled, ContractError
from reviewmine.partition import Partition, PartitionBy
from reviewmine.store.archive import Archive
from reviewmine.store.fragment import Fragment
from reviewmine.store.parts import Part, PartWriter
from reviewmine.store.receipts import Effort, Receipt, put_receipt
from reviewmine.store.record import Record, digest
from reviewmine.store.table import Table
from reviewmine.store.tombstones import Tombstones, get_tombstones


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that the fragments of one run share; picklable, and free of credentials."""

    archive: Archive
    table: Table
    run_id: str
    result_key: str
    columns: ReviewColumns
    carried: tuple[pa.Field, ...] = ()
    partition_by: PartitionBy | None = None


class EarlierOf(Record):
    """Parts of one live generation, by their numbers in its manifest: many tasks may name many of them."""

    partition: str
    generation: str
    numbers: tuple[int, ...]


class Task(Record):
    """One fragment to annotate.

    `failed_rows` (row numbers of the file) are known to crash the model and are written as `failed`. A `probe`, a
    range of rows of the file, asks only whether those rows crash it; nothing is written. Reviews that the live parts
    `earlier` hold are carried over from there, and not annotated again; `has_more_earlier` says that others may hold
    some too.
    """

    fragment: Fragment
    earlier: tuple[EarlierOf, ...] = ()
    has_more_earlier: bool = False
    failed_rows: tuple[int, ...] = ()
    probe: tuple[int, int] | None = None

    @property
    def span(self) -> tuple[int, int]:
        return self.probe or (self.fragment.first_row, self.fragment.end_row)

    @property
    def name(self) -> str:
        """What tells it from the others of its run."""
        return digest(self.fragment.id, self.failed_rows, self.probe)

    @property
    def probes_many(self) -> bool:
        """Whether this looks for the crash among several rows; a single row has to crash twice to be blamed."""
        return self.probe is not None and self.probe[1] - self.probe[0] > 1


class Outcome(Record):
    """How a task ended: its receipt stands, its probe went well, or its rows are not to be had.

    Its file is unreadable (`rejected`) or not settled, or its rows break the contract (`failed`), or they crashed the
    model (`poisoned`).
    """

    kind: Literal["done", "probed", "rejected", "failed", "poisoned"]
    task: Task
    receipt: Receipt | None = None
    reason: str = ""
    remark: str | None = None
    """What a person should know though the task is done."""
    effort: Effort | None = None
    num_bytes: int = 0
    """What the annotations of a probe would take as a part."""

    @classmethod
    def unread(cls, task: Task, error: ArchiveError | ContractError) -> Self:
        """That of a task whose rows could not be read, or are not what they have to be."""
        is_rejected = isinstance(error, ArchiveError) and not isinstance(error, ArchiveUnsettled)
        return cls(kind="rejected" if is_rejected else "failed", task=task, reason=str(error))


class FragmentReader:
    """Reads the rows of a task and conforms them; the first stage, without a model."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, task: Task) -> pa.Table:
        """The reviews of `task` [rows], in file order. Raises ArchiveError or ContractError."""
        where = f"{self._job.archive.location.uri}/{task.fragment.path}"
        first, end = task.span
        asked = task.fragment.model_copy(update={"first_row": first, "num_rows": end - first})
        rows = self._job.archive.read(asked, lambda schema: self._wanted(schema, where))
        return conform(rows, self._job.columns, where=where, first_row=first, carried=self._job.carried)

    def _wanted(self, schema: pa.Schema, where: str) -> list[str]:
        mapped = check_schema(schema, self._job.columns, where=where).values()
        carried = (field.name for field in self._job.carried if field.name in schema.names)
        return list(dict.fromkeys([*mapped, *carried]))


class FragmentWriter:
    """Writes the annotations of a fragment as parts, one for each partition value, and then its receipt."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(
        self,
        task: Task,
        annotations: pa.Table,
        carried_over: pa.Table | None = None,
        effort: Effort | None = None,
    ) -> Receipt:
        """Write rows that were annotated and rows that were carried over, together one for each of the fragment.

        Raises ContractError for rows that break the contract, ArchiveUnsettled if the file changed meanwhile.
        """
        job, fragment = self._job, task.fragment
        where = f"{fragment.path} rows {fragment.first_row} to {fragment.end_row}"
        if carried_over is not None:
            annotations = pa.concat_tables([annotations, carried_over]).sort_by("source_row")
        annotations = conform_annotations(annotations, annotations_schema(job.carried), where=where)
        validate(annotations, where=where)
        _check_lineage(fragment, annotations, where)
        put = self._put(fragment, annotations)
        if carried_over is not None:
            carried_over = _without_erased(carried_over, put.tombstones)
        job.archive.check_unchanged(fragment)
        receipt = Receipt(
            result_key=job.result_key,
            fragment=fragment,
            run_id=job.run_id,
            attempt=put.attempt,
            parts=put.parts,
            num_rows_erased=fragment.num_rows - put.rows.num_rows,
            num_erasures=put.tombstones.num_erasures,
            num_rows_by_status=_num_by_status(put.rows),
            num_carried_by_status=_num_by_status(carried_over) if carried_over is not None else {},
            put_at=datetime.now(UTC),
            effort=effort,
        )
        put_receipt(job.table.store, job.table.layout, receipt)
        return receipt

    def _put(self, fragment: Fragment, annotations: pa.Table) -> "_Put":
        """Put the parts without the rows that were erased, anew where more were meanwhile.

        An erasure that finds no part has none to rewrite: one that comes after its last look is taken back here.
        """
        store, layout, live = self._job.table.store, self._job.table.layout, self._job.table.live
        tombstones = get_tombstones(store, layout)
        while True:
            rows = _without_erased(annotations, tombstones)
            writer = PartWriter(store, layout, self._job.result_key, fragment)
            parts = tuple(
                writer.put(partition, live.part_of(partition, divided))
                for partition, divided in self._divide(fragment, rows)
            )
            latest = get_tombstones(store, layout)
            if latest.num_erasures == tombstones.num_erasures:
                return _Put(writer.attempt, parts, rows, tombstones)
            for part in parts:
                store.delete(part.name)
            tombstones = latest

    def _divide(self, fragment: Fragment, annotations: pa.Table) -> Iterator[tuple[Partition, pa.Table]]:
        by = self._job.partition_by
        if annotations.num_rows == 0:
            return
        if by is None:
            yield Partition.of_file(fragment.path), annotations
            return
        values = derived_values(by, annotations["reviewed_at"])
        for value in sorted(pc.unique(values).to_pylist()):
            yield Partition.derived(by, value), annotations.filter(pc.equal(values, value))


@dataclass(frozen=True)
class _Put:
    """The parts of one attempt at a fragment, the rows that they hold, and the tombstones that these heed."""

    attempt: str
    parts: tuple[Part, ...]
    rows: pa.Table
    tombstones: Tombstones


def _without_erased(rows: pa.Table, tombstones: Tombstones) -> pa.Table:
    return rows.filter(pa.array(~tombstones.are_erased(rows["review_id"])))


def _num_by_status(rows: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(rows["status"]).to_pylist()
    return {str(count["values"]): count["counts"] for count in counted}


def _check_lineage(fragment: Fragment, annotations: pa.Table, where: str) -> None:
    """Raises ContractError unless there is exactly one row for each row of the fragment."""
    source_rows = np.sort(annotations["source_row"].to_numpy())
    is_whole = np.array_equal(source_rows, np.arange(fragment.first_row, fragment.end_row))
    if not is_whole or pc.unique(annotations["source_file"]).to_pylist() != [fragment.path]:
        raise ContractError(
            f"{where}: found {annotations.num_rows} annotations that are not one for each of these rows; a stage lost "
            "rows, made some up, or changed source_file or source_row"
        )
