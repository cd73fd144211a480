"""Earlier rows: what the live generations already say of the reviews of a fragment, and which parts say it.

When a file changes, most of its reviews do not. The driver names, fragment by fragment, the live parts that may hold
their annotations; the worker reads them, a part at a time, and keeps the rows that the fragment has a use for.
"""

import heapq
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from threading import Lock
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.plan import Plan
from reviewmine.backfill.work import EarlierOf, Job, Task
from reviewmine.contract.annotations import COMPUTED_SCHEMA
from reviewmine.errors import StoreError, TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.fragment import MAX_ROWS, Fragment
from reviewmine.store.layout import Layout
from reviewmine.store.manifest import get_manifest
from reviewmine.store.parts import Part, glance_at_part, read_part

MAX_EARLIER_ROWS: Final = 25 * MAX_ROWS
MAX_EARLIER_PARTS: Final = 256
"""No fragment looks further: reviews that are new are in no part, and looking for them must cost less than a model.

Parts that were made from its own rows of its file do not count, as small as they may be: where keys are derived from
dates, a fragment has as many as it has dates.
"""

_MAX_KEPT_PARTS: Final = 20_000
EARLIER_SCHEMA: Final = COMPUTED_SCHEMA.append(pa.field("input_hash", pa.string()))
_UNUSABLE: Final = (OSError, pa.ArrowException, StoreError, TableError)


class _Made(NamedTuple):
    """A live part: what it was made from, where its manifest names it, and whether that source is as it was."""

    fragment: Fragment
    partition: Partition
    generation: str
    number: int
    num_rows: int
    is_there: bool

    @property
    def first_row(self) -> int:
        return self.fragment.first_row

    def overlaps(self, fragment: Fragment) -> bool:
        return self.first_row < fragment.end_row and fragment.first_row < self.fragment.end_row


class EarlierParts:
    """Which live parts may hold rows of a fragment, among those whose rows the planned result keeps."""

    def __init__(self, plan: Plan) -> None:
        self._of_fragment: dict[Fragment, list[_Made]] = defaultdict(list)
        self._of_file: dict[str, list[_Made]] = defaultdict(list)
        self._of_partition: dict[Partition, list[_Made]] = {}
        due = {planned.partition: planned for planned in plan.due()}
        for partition, live in plan.live.items():
            if not plan.result.keeps_rows_of(live.ingredients):
                continue
            there = {(f.path, f.etag) for f in due[partition].inputs} if partition in due else set()
            made = [
                _Made(
                    part.fragment,
                    partition,
                    live.generation,
                    number,
                    part.num_rows,
                    (part.fragment.path, part.fragment.etag) in there,
                )
                for number, part in enumerate(live.parts)
                if part.fragment
            ]
            for one in made:
                self._of_fragment[one.fragment].append(one)
                self._of_file[one.fragment.path].append(one)
            if partition in due:
                self._of_partition[partition] = sorted(made, key=lambda one: one.is_there)
        for of_file in self._of_file.values():
            of_file.sort(key=lambda one: one.first_row)

    def num_rows_of_same(self, fragment: Fragment) -> int:
        """The rows that are live of this very fragment: all but those that were erased."""
        return min(fragment.num_rows, sum(one.num_rows for one in self._of_fragment.get(fragment, ())))

    def may_know(self, fragment: Fragment, partitions: Iterable[Partition]) -> bool:
        """Whether the task of `fragment` names any part."""
        of_partitions = any(self._of_partition.get(partition) for partition in partitions)
        return of_partitions or fragment.path in self._of_file or fragment in self._of_fragment

    def task(self, fragment: Fragment, partitions: Iterable[Partition]) -> Task:
        """The task to annotate `fragment`, which touches `partitions`: it names the parts to look through for rows.

        Where the file did not change they are those made from the same fragment. Otherwise they are those of the same
        file, wherever they are live, then those of files that have gone or changed, then those of the others.
        """
        same = self._of_fragment.get(fragment)
        if same:
            return Task(fragment=fragment, earlier=_named(same))
        elsewhere = chain.from_iterable(self._of_partition.get(partition, ()) for partition in partitions)
        of_other_files = (one for one in elsewhere if one.fragment.path != fragment.path)
        likeliest_first = chain(self._of_same_file(fragment), of_other_files)
        found, next_one = _as_far_as_it_pays(fragment, likeliest_first)
        is_cut = next_one is not None and (next_one.fragment.path == fragment.path or not next_one.is_there)
        return Task(fragment=fragment, earlier=_named(found), has_more_earlier=is_cut)

    def _of_same_file(self, fragment: Fragment) -> Iterator[_Made]:
        """The parts of earlier states of the same file: rows move little when others are put in or taken out."""
        made = self._of_file.get(fragment.path, [])
        first = bisect_left(made, fragment.first_row - MAX_ROWS, key=lambda one: one.first_row)
        end = bisect_left(made, fragment.end_row, key=lambda one: one.first_row)
        yield from (one for one in made[first:end] if one.overlaps(fragment))
        at = bisect_left(made, fragment.first_row, key=lambda one: one.first_row)
        outward = heapq.merge(
            reversed(made[:at]), made[at:], key=lambda one: abs(one.first_row - fragment.first_row)
        )
        yield from (one for one in outward if not one.overlaps(fragment))


def named_parts(store: Store, layout: Layout, named: EarlierOf) -> list[Part]:
    """The parts that a task names, as their manifest tells of them; an erasure may have left it with fewer.

    Raises TableError where there is no such manifest.
    """
    parts = _MANIFESTS.parts(store, layout, Partition.of_path(named.partition), named.generation)
    return [parts[number] for number in named.numbers if number < len(parts)]


class _Manifests:
    """The parts of the manifests that this process read last, for all its tasks: manifests are immutable.

    One that an erasure put anew names other parts, whose rows are as good.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, str], tuple[Part, ...]] = OrderedDict()
        self._num_parts = 0

    def parts(self, store: Store, layout: Layout, partition: Partition, generation: str) -> tuple[Part, ...]:
        name = (store.root, layout.manifest(partition, generation))
        with self._lock:
            if name in self._known:
                self._known.move_to_end(name)
                return self._known[name]
        parts = get_manifest(store, layout, partition, generation).parts
        with self._lock:
            if name not in self._known:
                self._known[name] = parts
                self._num_parts += len(parts)
            while self._num_parts > _MAX_KEPT_PARTS and len(self._known) > 1:
                _, dropped = self._known.popitem(last=False)
                self._num_parts -= len(dropped)
        return parts


_MANIFESTS: Final = _Manifests()


@dataclass(frozen=True)
class Earlier:
    """Rows of EARLIER_SCHEMA that may be carried over, and what stood in the way of others, if anything."""

    rows: pa.Table
    remark: str | None = None


class EarlierRows:
    """Reads what earlier parts say of the reviews of a task; never more than one part at a time."""

    def __init__(self, job: Job) -> None:
        self._store, self._layout = job.table.store, job.table.layout

    def __call__(self, task: Task, input_hashes: pa.ChunkedArray) -> Earlier:
        """One row for each review and language that `input_hashes` [rows] ask for and that was annotated.

        A part that is gone or not as it was put is passed over, and remarked on: its reviews are annotated again.
        """
        wanted = set(input_hashes.to_pylist()) if task.earlier else set()
        found, unusable = [EARLIER_SCHEMA.empty_table()], list[Exception]()
        for named in task.earlier:
            if not wanted:
                break
            try:
                parts = named_parts(self._store, self._layout, named)
            except _UNUSABLE as broken:
                unusable.append(broken)
                continue
            for part in parts:
                if not wanted:
                    break
                try:
                    rows = self._rows(part, wanted)
                except _UNUSABLE as broken:
                    unusable.append(broken)
                    continue
                wanted.difference_update(rows["input_hash"].to_pylist())
                found.append(rows)
        return Earlier(pa.concat_tables(found), _remark(task, unusable, len(wanted)))

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


def _remark(task: Task, unusable: Sequence[Exception], num_new: int) -> str | None:
    """What stood in the way of carrying rows over, if `num_new` reviews were not found."""
    if not unusable and not (num_new and task.has_more_earlier):
        return None
    if not unusable:
        return (
            f"{task.fragment.path}: {num_new:,} reviews are annotated though parts of earlier states, which are too "
            "many to look through, may hold them"
        )
    parts = "an earlier part" if len(unusable) == 1 else f"{len(unusable)} earlier parts"
    reason = (str(unusable[0]) or type(unusable[0]).__name__).splitlines()[0]
    return f"{task.fragment.path}: {parts} cannot be used, so that rows of it are annotated again: {reason}"


def _as_far_as_it_pays(fragment: Fragment, made: Iterable[_Made]) -> tuple[list[_Made], _Made | None]:
    """As many of `made` as it pays to look through, and the first that it does not, if there is one."""
    found: list[_Made] = []
    num_rows = num_beside = 0
    for one in made:
        is_beside = one.fragment.path != fragment.path or not one.overlaps(fragment)
        if num_rows >= MAX_EARLIER_ROWS or (is_beside and num_beside >= MAX_EARLIER_PARTS):
            return found, one
        num_rows, num_beside = num_rows + one.num_rows, num_beside + is_beside
        found.append(one)
    return found, None


def _named(made: Iterable[_Made]) -> tuple[EarlierOf, ...]:
    """Parts by their numbers, in their order; neighbours of one manifest together."""
    return tuple(
        EarlierOf(partition=partition.path, generation=generation, numbers=tuple(one.number for one in ones))
        for (partition, generation), ones in groupby(made, key=lambda one: (one.partition, one.generation))
    )
