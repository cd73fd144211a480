"""Estimates: what a plan will take, partition by partition and in all, each figure with the bounds it should lie in."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from reviewmine.backfill.earlier import EarlierParts
from reviewmine.backfill.interval import NOTHING, Interval, total
from reviewmine.backfill.new_rows import UNSEEN, NewShare
from reviewmine.backfill.pace import Pace, Trial
from reviewmine.backfill.plan import Plan, PlannedPartition, State
from reviewmine.backfill.sampling import TokenRate
from reviewmine.backfill.work import Task
from reviewmine.partition import Partition
from reviewmine.store.fragment import Fragment
from reviewmine.store.manifest import Manifest
from reviewmine.store.table import Table

_REQUESTS_OF_A_PUBLISH: Final = 14  # lease, fence, manifest, journal, pointer and their undoing
_REQUESTS_OF_A_PART: Final = 2  # its footer is read and it is copied
_PUT_S: Final = 0.005  # a synced write takes longer than the answer that a store is timed by
_CARRY_S: Final = Interval(2e-5, 8e-5, 2.5e-4)  # a row is read, looked up and written, and sees no model
_SIZES_DIFFER: Final = 0.2
_LIVE_DIFFERS: Final = 0.15


@dataclass(frozen=True)
class Sizes:
    """The bytes of a part of annotations: those it has anyhow, and those of each row."""

    of_a_part: float
    of_a_row: Interval
    basis: str


@dataclass(frozen=True, kw_only=True)
class Means:
    """With what a plan is to be carried out: how many workers at which pace, and what an hour of one costs."""

    tokens: TokenRate
    pace: Pace
    sizes: Sizes
    num_workers: int
    request_s: float
    new_share: NewShare | None = None
    """None where no file changed."""
    price_per_hour: float | None = None


@dataclass(frozen=True, kw_only=True)
class PartitionEstimate:
    """One partition; `tokens` and `device_hours` count what is still to annotate, without the start of workers.

    Of a fragment of several partitions, that is as much as it has rows of this one.
    """

    planned: PlannedPartition
    rows_to_annotate: int = 0
    tokens: Interval = NOTHING
    device_hours: Interval = NOTHING
    output_bytes: Interval = NOTHING
    cost: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A whole plan. Files, rows, bytes and fragments count what is due; a file of two partitions counts once.

    Of the rows without a receipt, `rows_to_carry` are expected to be known, and see no model.

    `hours` go by from the start of the run to its end; `device_hours` are those of all workers, which a cluster holds
    as long.
    """

    plan: Plan
    means: Means | None
    partitions: tuple[PartitionEstimate, ...]
    num_files: int
    num_rows: int
    num_bytes: int
    num_fragments: int
    rows_to_annotate: int
    rows_to_carry: int
    tokens: Interval
    hours: Interval
    device_hours: Interval
    output_bytes: Interval
    cost: Interval | None

    def count(self, state: State) -> int:
        return self.plan.count(state)


class Estimator:
    """Estimates one plan; footers, and receipts that stand, are all it needs to know of archive and table."""

    def __init__(self, plan: Plan, *, stored_bytes: Callable[[str], int], standing: Set[str]) -> None:
        """
        Args:
            stored_bytes: the bytes of the bodies of a file, as its footer tells them, by its path.
            standing: the ids of fragments that have receipts of this result.
        """
        self._plan = plan
        self._per_row = {
            file.path: stored_bytes(file.path) / max(1, file.num_rows)
            for planned in plan.due()
            for file in planned.inputs
        }
        of_plan = {fragment.id: fragment for planned in plan.due() for fragment in planned.fragments}
        self._num_fragments = len(of_plan)
        self._pending = {name: fragment for name, fragment in of_plan.items() if name not in standing}
        self._touching: dict[str, list[Partition]] = defaultdict(list)
        for planned in plan.due():
            for fragment in planned.fragments:
                self._touching[fragment.id].append(planned.partition)
        self._of_unchanged = {
            name: num_known
            for name, fragment in self._pending.items()
            if (num_known := self._earlier.num_rows_of_same(fragment))
        }
        self._changed = {
            name
            for name, fragment in self._pending.items()
            if name not in self._of_unchanged and self._earlier.may_know(fragment, self._touching[name])
        }

    @cached_property
    def _earlier(self) -> EarlierParts:
        """Made only where something is pending: there may be many live parts."""
        return EarlierParts(self._plan)

    @property
    def pending(self) -> list[Fragment]:
        """The fragments that have no receipt, in the order in which a run takes them."""
        return list(self._pending.values())

    @property
    def changed(self) -> list[Fragment]:
        """Those of them of whose rows nobody knows how many are live already."""
        return [fragment for name, fragment in self._pending.items() if name in self._changed]

    def looking_back(self, probe: Task) -> Task:
        """The same with the earlier parts that a run would look through."""
        fragment = probe.fragment
        return self._earlier.task(fragment, self._touching[fragment.id]).model_copy(
            update={"probe": probe.probe}
        )

    def stored_bytes_per_row(self, fragment: Fragment) -> float:
        """The bytes of a row's body, as the footer of its file tells them."""
        return self._per_row[fragment.path]

    def estimate(self, means: Means | None) -> Estimate:
        """Without means, for a plan with nothing to annotate, there are no tokens and no hours."""
        rows = self._rows_to_annotate(means)
        partitions = tuple(self._of_partition(planned, rows, means) for planned in self._plan.partitions)
        files = {file.path: file for planned in self._plan.due() for file in planned.inputs}
        hours = self._hours(rows, means) if means else NOTHING
        device_hours = hours.times(means.num_workers) if means else NOTHING
        num_pending = sum(fragment.num_rows for fragment in self._pending.values())
        rows_to_annotate = round(sum(number.expected for number in rows.values()))
        return Estimate(
            plan=self._plan,
            means=means,
            partitions=partitions,
            num_files=len(files),
            num_rows=sum(planned.num_rows or 0 for planned in self._plan.due()),
            num_bytes=sum(file.num_bytes for file in files.values()),
            num_fragments=self._num_fragments,
            rows_to_annotate=rows_to_annotate,
            rows_to_carry=num_pending - rows_to_annotate,
            tokens=self._tokens(rows, means),
            hours=hours,
            device_hours=device_hours,
            output_bytes=total(partition.output_bytes for partition in partitions),
            cost=_cost(device_hours, means),
        )

    def _of_partition(
        self, planned: PlannedPartition, rows: Mapping[str, Interval], means: Means | None
    ) -> PartitionEstimate:
        if not planned.is_due:
            return PartitionEstimate(planned=planned)
        inputs = zip(planned.inputs, planned.rows_of_inputs, strict=True)
        shares = {file.path: num_rows / max(1, file.num_rows) for file, num_rows in inputs}
        own = {
            fragment.id: rows[fragment.id].times(shares[fragment.path])
            for fragment in planned.fragments
            if fragment.id in rows
        }
        tokens = self._tokens(own, means)
        device_hours = tokens.over(means.pace.tokens_per_s).times(1 / 3600) if means else NOTHING
        return PartitionEstimate(
            planned=planned,
            rows_to_annotate=round(sum(number.expected for number in own.values())),
            tokens=tokens,
            device_hours=device_hours,
            output_bytes=_output_bytes(planned, means) if means else NOTHING,
            cost=_cost(device_hours, means),
        )

    def _rows_to_annotate(self, means: Means | None) -> dict[str, Interval]:
        """The rows of each pending fragment that a model has to see, by its id."""
        share = ((means and means.new_share) or UNSEEN).share
        found = {}
        for name, fragment in self._pending.items():
            num_rows = float(fragment.num_rows - self._of_unchanged.get(name, 0))
            found[name] = share.times(num_rows) if name in self._changed else Interval.around(num_rows, 0)
        return found

    def _tokens(self, rows: Mapping[str, Interval], means: Means | None) -> Interval:
        stored = total(rows[name].times(self._per_row[self._pending[name].path]) for name in rows)
        return means.tokens.per_byte.times(stored) if means else NOTHING

    def _hours(self, rows: Mapping[str, Interval], means: Means) -> Interval:
        """Start of the workers, the slowest way of sharing the fragments out among them, and the publishes."""
        stored = [rows[name].times(self._per_row[fragment.path]) for name, fragment in self._pending.items()]
        largest = (
            Interval(*(_makespan(loads, means.num_workers) for loads in zip(*stored, strict=True)))
            if stored
            else NOTHING
        )
        working = means.tokens.per_byte.times(largest).over(means.pace.tokens_per_s)
        starting = means.pace.startup_s if stored else NOTHING
        messages = means.pace.fragment_s.times(float(len(stored)) / means.num_workers)
        num_known = sum(fragment.num_rows - rows[name].expected for name, fragment in self._pending.items())
        carrying = _CARRY_S.times(num_known / means.num_workers)
        num_parts = sum(len(planned.fragments) for planned in self._plan.due())
        num_requests = _REQUESTS_OF_A_PUBLISH * len(self._plan.due()) + _REQUESTS_OF_A_PART * num_parts
        publishing = num_requests * (means.request_s + _PUT_S)
        return total(
            [starting, working, messages, carrying, Interval(publishing / 2, publishing, 2 * publishing)]
        ).times(1 / 3600)


def sizes_of_live(manifests: Iterable[Manifest], of_a_part: float) -> Sizes | None:
    """What a row takes in the parts that are live, or None where there are none."""
    parts = [part for manifest in manifests for part in manifest.parts if part.num_rows]
    num_rows = sum(part.num_rows for part in parts)
    if not num_rows:
        return None
    num_bytes = sum(part.num_bytes for part in parts) - of_a_part * len(parts)
    return Sizes(
        of_a_part, Interval.around(max(0.0, num_bytes) / num_rows, _LIVE_DIFFERS), f"{num_rows:,} live rows"
    )


def sizes_of_trial(trial: Trial, of_a_part: float) -> Sizes:
    """What a row took in a trial, whose small parts compress less well than large ones."""
    of_a_row = max(0.0, trial.num_bytes - of_a_part * trial.num_parts) / max(1, trial.num_rows)
    return Sizes(
        of_a_part,
        Interval(0.6 * of_a_row, 0.85 * of_a_row, 1.1 * of_a_row),
        f"{trial.num_rows:,} rows of the trial",
    )


def sizes_unseen(body_bytes_per_row: float, of_a_part: float) -> Sizes:
    """What a row may take where none was annotated: its columns of numbers, and a summary shorter than its body."""
    summary = Interval(0.05, 0.2, 0.6).times(body_bytes_per_row)
    return Sizes(of_a_part, total([Interval(60, 100, 150), summary]), "the length of bodies alone")


def request_seconds(table: Table, now: Callable[[], float], *, num_tries: int = 3) -> float:
    """How long the table's store takes to answer, at best of a few tries."""
    taken = []
    for _ in range(num_tries):
        began = now()
        table.store.stat(table.layout.table_record)
        taken.append(now() - began)
    return min(taken)


def _output_bytes(planned: PlannedPartition, means: Means) -> Interval:
    sizes = means.sizes
    fixed = sizes.of_a_part * min(len(planned.fragments), planned.num_rows or 0)
    return total([Interval.around(fixed, _SIZES_DIFFER), sizes.of_a_row.times(float(planned.num_rows or 0))])


def _cost(device_hours: Interval, means: Means | None) -> Interval | None:
    return device_hours.times(means.price_per_hour) if means and means.price_per_hour is not None else None


def _makespan(loads: Sequence[float], num_workers: int) -> float:
    """The load of the worker that has most, where each takes the next as soon as it has done its last."""
    workers = [0.0] * max(1, min(num_workers, len(loads)))
    for load in loads:
        heapq.heapreplace(workers, workers[0] + load)
    return max(workers)
