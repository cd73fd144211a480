"""Earlier rows: what the live generations already say of the reviews of a fragment, and which parts say it.

When a file changes, most of its reviews do not. The driver names, fragment by fragment, the live parts that may hold
their annotations; the worker reads them, a part at a time, and keeps the rows that the fragment has a use for.
"""

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.plan import Plan
from reviewmine.backfill.work import Job, Task
from reviewmine.contract.annotations import COMPUTED_SCHEMA
from reviewmine.errors import StoreError, TableError
from reviewmine.partition import Partition
from reviewmine.store.fragment import MAX_ROWS, Fragment
from reviewmine.store.parts import Part, glance_at_part, read_part

MAX_EARLIER_ROWS: Final = 25 * MAX_ROWS
MAX_EARLIER_PARTS: Final = 256
"""No fragment looks further: reviews that are new are in no part, and looking for them must cost less than a model."""

EARLIER_SCHEMA: Final = COMPUTED_SCHEMA.append(pa.field("input_hash", pa.string()))
_UNUSABLE: Final = (OSError, pa.ArrowException, StoreError, TableError)

_Made = tuple[Fragment, Part]


class EarlierParts:
    """Which live parts may hold rows of a fragment, among those whose rows the planned result keeps."""

    def __init__(self, plan: Plan) -> None:
        self._of_fragment: dict[Fragment, list[Part]] = defaultdict(list)
        self._of_file: dict[str, list[_Made]] = defaultdict(list)
        self._of_partition: dict[Partition, list[_Made]] = {}
        due = {planned.partition: planned for planned in plan.due()}
        for partition, live in plan.live.items():
            if not plan.result.keeps_rows_of(live.ingredients):
                continue
            made = [(part.fragment, part) for part in live.parts if part.fragment]
            for fragment, part in made:
                self._of_fragment[fragment].append(part)
                self._of_file[fragment.path].append((fragment, part))
            if partition in due:
                still_there = {(file.path, file.etag) for file in due[partition].inputs}
                made.sort(key=lambda one: (one[0].path, one[0].etag) in still_there)
                self._of_partition[partition] = made
        for of_file in self._of_file.values():
            of_file.sort(key=_first_row)

    def num_rows_of_same(self, fragment: Fragment) -> int:
        """The rows that are live of this very fragment: all but those that were erased."""
        return min(fragment.num_rows, sum(part.num_rows for part in self._of_fragment.get(fragment, ())))

    def may_know(self, fragment: Fragment, partitions: Iterable[Partition]) -> bool:
        """Whether `of` names any part."""
        of_partitions = any(self._of_partition.get(partition) for partition in partitions)
        return of_partitions or fragment.path in self._of_file or fragment in self._of_fragment

    def of(self, fragment: Fragment, partitions: Iterable[Partition]) -> tuple[Part, ...]:
        """The parts to look through for rows of `fragment`, which touches `partitions`, the likeliest first.

        Where the file did not change they are those made from the same fragment. Otherwise they are those of the same
        file, wherever they are live, then those of files that have gone or changed, then those of the others.
        """
        same = self._of_fragment.get(fragment)
        if same:
            return tuple(same)
        elsewhere = chain.from_iterable(self._of_partition.get(partition, ()) for partition in partitions)
        of_other_files = (part for source, part in elsewhere if source.path != fragment.path)
        return tuple(_as_far_as_it_pays(chain(self._nearest_first(fragment), of_other_files)))

    def _nearest_first(self, fragment: Fragment) -> Iterator[Part]:
        """The parts of earlier states of the same file: rows move little when others are put in or taken out."""
        made = self._of_file.get(fragment.path, [])
        at = bisect_left(made, fragment.first_row, key=_first_row)
        outward = heapq.merge(
            reversed(made[:at]), made[at:], key=lambda one: abs(_first_row(one) - fragment.first_row)
        )
        return (part for _, part in outward)


@dataclass(frozen=True)
class Earlier:
    """Rows of EARLIER_SCHEMA that may be carried over, and what stood in the way of others, if anything."""

    rows: pa.Table
    remark: str | None = None


class EarlierRows:
    """Reads what earlier parts say of the reviews of a task; never more than one part at a time."""

    def __init__(self, job: Job) -> None:
        self._store = job.table.store

    def __call__(self, task: Task, input_hashes: pa.ChunkedArray) -> Earlier:
        """One row for each review and language that `input_hashes` [rows] ask for and that was annotated.

        A part that is gone or not as it was put is passed over, and remarked on: its reviews are annotated again.
        """
        wanted = set(input_hashes.to_pylist()) if task.earlier else set()
        found, unusable = [EARLIER_SCHEMA.empty_table()], []
        for part in task.earlier:
            if not wanted:
                break
            try:
                rows = self._rows(part, wanted)
            except _UNUSABLE as broken:
                unusable.append(str(broken).splitlines()[0] if str(broken) else type(broken).__name__)
                continue
            wanted.difference_update(rows["input_hash"].to_pylist())
            found.append(rows)
        return Earlier(pa.concat_tables(found), _remark(task, unusable) if unusable else None)

    def _rows(self, part: Part, wanted: set[str]) -> pa.Table:
        """The first row of each wanted review and language in `part`; rows that failed are to be tried again."""
        glanced = glance_at_part(self._store, part, "input_hash")
        if not pc.any(pc.is_in(glanced, pa.array(list(wanted), pa.string()))).as_py():
            return EARLIER_SCHEMA.empty_table()
        rows = read_part(self._store, part, EARLIER_SCHEMA.names)
        types = dict(zip(rows.schema.names, rows.schema.types, strict=True))
        if any(types.get(field.name) != field.type for field in EARLIER_SCHEMA):
            raise TableError(f"{part.name}: found columns of another contract")
        rows = pa.Table.from_arrays([rows[name] for name in EARLIER_SCHEMA.names], schema=EARLIER_SCHEMA)
        first_rows: dict[tuple[str, str], int] = {}
        columns = (rows[name].to_pylist() for name in ("input_hash", "language", "status"))
        for row, (input_hash, language, status) in enumerate(zip(*columns, strict=True)):
            if input_hash in wanted and status != "failed":
                first_rows.setdefault((input_hash, language), row)
        return rows.take(pa.array(list(first_rows.values()), pa.int64()))


def _remark(task: Task, unusable: Sequence[str]) -> str:
    parts = "an earlier part" if len(unusable) == 1 else f"{len(unusable)} earlier parts"
    return (
        f"{task.fragment.path}: {parts} cannot be used, so that rows of it are annotated again: {unusable[0]}"
    )


def _first_row(made: _Made) -> int:
    return made[0].first_row


def _as_far_as_it_pays(parts: Iterable[Part]) -> Iterator[Part]:
    num_rows = 0
    for num_parts, part in enumerate(parts):
        if num_rows >= MAX_EARLIER_ROWS or num_parts >= MAX_EARLIER_PARTS:
            return
        num_rows += part.num_rows
        yield part
