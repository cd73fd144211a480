"""What a plan says: a table and its totals to a person, plain lines to a log, JSON objects to a machine."""

import json
import sys
from collections.abc import Iterator
from typing import Any, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewmine.backfill.estimate import Estimate, PartitionEstimate
from reviewmine.backfill.interval import Interval
from reviewmine.backfill.plan import Reject, State

_COLUMNS = ("partition", "state", "files", "rows", "size", "fragments", "tokens", "device-hours", "output")
_MAX_REASONS = 3


def show(estimate: Estimate, *, as_json: bool) -> None:
    """Print the plan in the form that suits who is listening."""
    if as_json:
        for told in json_objects(estimate):
            print(json.dumps(told), flush=True)
        return
    if sys.stdout.isatty():
        _print_table(estimate)
    else:
        for partition in estimate.partitions:
            print(_line(partition))
    for line in totals(estimate):
        print(line)


def json_objects(estimate: Estimate) -> Iterator[dict[str, Any]]:
    """One object per partition in the order of the run, and one with the totals; an interval is an object too."""
    for one in estimate.partitions:
        planned = one.planned
        yield {
            "partition": str(planned.partition),
            "state": planned.state,
            "reasons": list(planned.reasons),
            "files": planned.num_files,
            "rows": planned.num_rows,
            "bytes": planned.num_bytes,
            "fragments": len(planned.fragments),
            "rows_to_annotate": one.rows_to_annotate,
            "tokens": _rounded(one.tokens, 0),
            "device_hours": _rounded(one.device_hours, 6),
            "output_bytes": _rounded(one.output_bytes, 0),
            "cost": _rounded(one.cost, 4) if one.cost else None,
        }
    for partition, reason in _left_out(estimate):
        yield {"partition": partition, "state": "withheld", "reason": reason}
    for reject in _of_no_partition(estimate):
        yield {"rejected": reject.path, "reason": reject.reason}
    means = estimate.means
    yield {
        "partitions": {state: estimate.count(state) for state in get_args(State)},
        "withheld": len(list(_left_out(estimate))),
        "files": estimate.num_files,
        "rows": estimate.num_rows,
        "bytes": estimate.num_bytes,
        "fragments": estimate.num_fragments,
        "rows_to_annotate": estimate.rows_to_annotate,
        "rows_to_carry": estimate.rows_to_carry,
        "tokens": _rounded(estimate.tokens, 0),
        "hours": _rounded(estimate.hours, 6),
        "device_hours": _rounded(estimate.device_hours, 6),
        "output_bytes": _rounded(estimate.output_bytes, 0),
        "cost": _rounded(estimate.cost, 4) if estimate.cost else None,
        "workers": means.num_workers if means else 0,
        "tokens_per_s_of_a_worker": _rounded(means.pace.tokens_per_s, 1) if means else None,
        "rests_on": list(_basis(estimate)),
    }


def totals(estimate: Estimate) -> Iterator[str]:
    """The sum of it all, and what it rests on, in lines for a person."""
    counted = ", ".join(f"{estimate.count(s)} {s}" for s in get_args(State) if estimate.count(s))
    yield f"partitions: {counted or 'none'}"
    for partition, reason in _left_out(estimate):
        yield f"partition {partition} cannot be published: {reason}"
    for reject in _of_no_partition(estimate):
        yield f"rejected: {reject.reason}"
    known = f", {estimate.rows_to_carry:,} more to carry over" if estimate.rows_to_carry else ""
    yield (
        f"to publish: {estimate.num_rows:,} rows of {estimate.num_files:,} files, {_bytes(estimate.num_bytes)}, in "
        f"{estimate.num_fragments:,} fragments; to annotate: {estimate.rows_to_annotate:,} rows{known}"
    )
    means = estimate.means
    if means is None:
        yield "nothing is left to annotate"
        return
    yield f"tokens: {_spread(estimate.tokens, _count)}"
    yield (
        f"time: {_spread(estimate.hours, _hours)} from start to end on {means.num_workers} workers, "
        f"{_spread(estimate.device_hours, _hours)} of devices"
    )
    yield f"output: {_spread(estimate.output_bytes, _bytes)}"
    if estimate.cost:
        yield f"cost: {_spread(estimate.cost, lambda cost: f'{cost:,.2f}')}, at {means.price_per_hour:g} a device-hour"
    yield from _basis(estimate)


def _basis(estimate: Estimate) -> Iterator[str]:
    if means := estimate.means:
        yield f"pace: {_spread(means.pace.tokens_per_s, _count)} tokens/s of a worker, from {means.pace.basis}"
        yield (
            f"tokens: {means.tokens.num_rows:,} rows in {means.tokens.num_blocks:,} places were tokenised, "
            f"{means.tokens.per_row:,.1f} tokens a row; output size: {means.sizes.basis}"
        )
        if means.new_share:
            told = _spread(means.new_share.share, lambda share: f"{100 * share:.3g}%")
            yield f"new rows: {told} of them, {means.new_share.basis}"


def _left_out(estimate: Estimate) -> Iterator[tuple[str, str]]:
    for partition, rejects in estimate.plan.blocked.items():
        more = f"; and {len(rejects) - _MAX_REASONS:,} more" if len(rejects) > _MAX_REASONS else ""
        reasons = "; ".join(reject.reason for reject in rejects[:_MAX_REASONS])
        yield str(partition), f"a file of it cannot be read: {reasons}{more}"
    for partition, reason in estimate.plan.failed.items():
        yield str(partition), reason


def _of_no_partition(estimate: Estimate) -> list[Reject]:
    """The rejects of which nobody can tell what partitions they belong to."""
    told = {reject.path for rejects in estimate.plan.blocked.values() for reject in rejects}
    return [reject for reject in estimate.plan.rejects if reject.path not in told]


def _print_table(estimate: Estimate) -> None:
    table = Table()
    for number, column in enumerate(_COLUMNS):
        table.add_column(column, justify="left" if number < 2 else "right")
    for partition in estimate.partitions:
        table.add_row(*(Text(cell) for cell in _cells(partition)))
    Console().print(table)


def _cells(one: PartitionEstimate) -> tuple[str, ...]:
    planned = one.planned
    state = ": ".join([planned.state, ", ".join(planned.reasons)] if planned.reasons else [planned.state])
    known = (
        str(planned.partition),
        state,
        f"{planned.num_files:,}",
        "?" if planned.num_rows is None else f"{planned.num_rows:,}",
        _bytes(planned.num_bytes),
    )
    if not planned.is_due:
        return (*known, "", "", "", "")
    return (
        *known,
        f"{len(planned.fragments):,}",
        _count(one.tokens.expected),
        _hours(one.device_hours.expected),
        _bytes(one.output_bytes.expected),
    )


def _line(one: PartitionEstimate) -> str:
    cells = dict(zip(_COLUMNS, _cells(one), strict=True))
    figures = ", ".join(f"{name} {cell}" for name, cell in list(cells.items())[2:] if cell)
    return f"partition {cells['partition']} is {cells['state']}; {figures}"


def _rounded(interval: Interval, digits: int) -> dict[str, float]:
    return {
        name: round(value, digits) if digits else round(value) for name, value in interval._asdict().items()
    }


def _spread(interval: Interval, told: Any) -> str:
    return f"{told(interval.expected)} ({told(interval.low)} to {told(interval.high)})"


def _count(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 10 * size:
            return f"{number / size:,.3g}{unit}" if number < 1000 * size else f"{number / size:,.0f}{unit}"
    return f"{number:,.0f}"


def _bytes(num_bytes: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.3g} {unit}"
    return f"{num_bytes:,.0f} B"


def _hours(hours: float) -> str:
    seconds = hours * 3600
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if hours < 2 else f"{hours:,.1f} h"
