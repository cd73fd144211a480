"""Pace: how fast workers annotate and how long they take to start, from earlier runs or from a short trial.

A pace is tokens for each second of a worker, whatever that second goes to once it has started: reading, the network,
writing, and waiting at the end. So it foretells runs on workers of the same kind, and no others.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from reviewmine.backfill.interval import NOTHING, Interval
from reviewmine.backfill.poison import Execute
from reviewmine.backfill.runs import run_of_record
from reviewmine.backfill.summary import Summary
from reviewmine.backfill.work import Outcome, Task
from reviewmine.errors import ReviewmineError, TableError
from reviewmine.store.parallel import in_parallel
from reviewmine.store.receipts import Effort
from reviewmine.store.table import Table

_MAX_RUNS: Final = 20
_LEAST_S: Final = 3.0  # what a run of a moment tells of its pace is chance
_RUNS_DIFFER: Final = Interval(0.72, 1.0, 1.3)  # the runs of one machine, hours apart
_TRIAL_DIFFERS: Final = Interval(
    0.65, 1.0, 1.3
)  # some hundred rows, from all, with what reads and writes beside them
_MAX_CARRIED: Final = 0.05  # rows that see no model take their time too, and are no part of a pace in tokens
_STARTS_DIFFER: Final = Interval(0.5, 1.0, 2.0)  # files in the page cache or not, a machine at rest or not
_FRAGMENT_S: Final = Interval(0.002, 0.01, 0.03)  # a message through the stages, its parts and its receipt


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Of one worker; `basis` says in words what it rests on."""

    tokens_per_s: Interval
    startup_s: Interval
    basis: str
    fragment_s: Interval = NOTHING
    """What each fragment takes beside its tokens, where that is not in the pace."""
    num_workers: int | None = None
    """How many workers earlier runs had."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a trial showed: a pace, and the bytes of annotations of so many rows in so many parts."""

    pace: Pace
    num_rows: int
    num_parts: int
    num_bytes: int


def given_pace(tokens_per_s: float) -> Pace:
    """The pace that a person says, by measurements of their own."""
    return Pace(
        tokens_per_s=_TRIAL_DIFFERS.times(tokens_per_s),
        startup_s=Interval(5.0, 20.0, 60.0),
        basis="the settings, with a start of some seconds as is usual",
        fragment_s=_FRAGMENT_S,
    )


def pace_of_runs(table: Table, *, checkpoint: str, device: str = "auto") -> Pace | None:
    """The pace of the latest runs of this checkpoint into this table, or None where there are none to go by.

    Args:
        checkpoint: the digest.
        device: `cpu` or `cuda` leaves runs on the other out; `auto` takes those on the kind used last.
    """
    runs = _telling_runs(table, checkpoint, device)
    if not runs:
        return None
    worker_s = np.array([(run.seconds - run.startup_s) * len(run.seconds_of_workers) for run in runs])
    tokens = np.array([run.num_tokens for run in runs], np.float64)
    paces, startups = tokens / worker_s, np.array([run.startup_s for run in runs])
    pace, startup = float(tokens.sum() / worker_s.sum()), float(np.median(startups))
    return Pace(
        tokens_per_s=Interval(float(paces.min()), pace, float(paces.max())).times(_RUNS_DIFFER),
        startup_s=Interval(float(startups.min()), startup, float(startups.max())).times(_STARTS_DIFFER),
        basis=(
            f"{len(runs)} earlier runs of this checkpoint into this table, the last {runs[-1].run_id} on "
            f"{len(runs[-1].seconds_of_workers)} workers ({runs[-1].device})"
        ),
        num_workers=max(len(run.seconds_of_workers) for run in runs),
    )


def pace_by_trial(
    execute: Execute, probes: Sequence[Task], *, warming: Sequence[Task] = (), began: float | None = None
) -> Trial:
    """Have workers of a real run annotate `probes` and write nothing; `warming` are given to them first.

    What each worker does first is left out: it comes before its caches, kernels and clocks are warm. The start is
    timed from `began` (time.monotonic; None means now) until the first row was at a network.
    Raises ReviewmineError where no probe can be annotated.
    """
    began = time.monotonic() if began is None else began
    startup_s = 0.0
    outcomes: list[Outcome] = []
    for outcome in execute(list(dict.fromkeys([*warming, *probes]))):
        outcomes.append(outcome)
        if outcome.effort is not None:
            startup_s = startup_s or time.monotonic() - began - outcome.effort.seconds
    efforts = [outcome.effort for outcome in outcomes if outcome.effort]
    if not efforts:
        reasons = [outcome.reason for outcome in outcomes if outcome.reason]
        raise ReviewmineError(
            f"no sampled row can be annotated: {'; '.join(reasons[:1]) or 'there are none'}"
        )
    warm = _but_the_first_of_each_worker(efforts) or efforts
    tokens = np.array([effort.num_tokens for effort in warm], np.float64)
    seconds = np.array([max(effort.seconds, 1e-4) for effort in warm])
    pace = float(tokens.sum() / seconds.sum())
    spread = float(np.std(tokens / seconds) / max(pace, 1e-9) / np.sqrt(len(warm)))
    workers = {effort.worker for effort in efforts}
    timed = Pace(
        tokens_per_s=_TRIAL_DIFFERS.times(Interval.around(max(pace, 1e-9), min(0.8, 2 * spread))),
        startup_s=_STARTS_DIFFER.times(startup_s),
        basis=(
            f"a trial of {sum(effort.num_tokens for effort in efforts):,} tokens on {len(workers)} workers "
            f"({efforts[-1].device}), started for it"
        ),
        fragment_s=_FRAGMENT_S,
    )
    parts = [outcome for outcome in outcomes if outcome.num_bytes]
    return Trial(
        pace=timed,
        num_rows=sum(outcome.task.span[1] - outcome.task.span[0] for outcome in parts),
        num_parts=len(parts),
        num_bytes=sum(outcome.num_bytes for outcome in parts),
    )


def _but_the_first_of_each_worker(efforts: Sequence[Effort]) -> list[Effort]:
    seen: set[str] = set()
    later = []
    for effort in efforts:
        later += [effort] if effort.worker in seen else []
        seen.add(effort.worker)
    return later


def _telling_runs(table: Table, checkpoint: str, device: str) -> list[Summary]:
    """The latest runs that tell something, in order of their start; records are read from the newest, till these do."""
    names = sorted((file.name for file in table.store.list(table.layout.runs)), reverse=True)
    found: list[Summary] = []
    for first in range(0, len(names), _MAX_RUNS):
        records = in_parallel(lambda name: _record(table, name), names[first : first + _MAX_RUNS])
        for run in (record for record in records if record):
            wanted = device if device != "auto" else _kind((found or [run])[0].device)
            if run.checkpoint == checkpoint and _is_telling(run) and _kind(run.device) == wanted:
                found.append(run)
        if len(found) >= _MAX_RUNS:
            break
    return found[:_MAX_RUNS][::-1]


def _record(table: Table, name: str) -> Summary | None:
    """The record of a run, or None where this reviewmine cannot read it: one of another edition says nothing here."""
    with suppress(TableError):
        return run_of_record(table.store, name)
    return None


def _is_telling(run: Summary) -> bool:
    """Whether a run annotated for long enough, and hardly anything else."""
    has_worked = run.num_tokens and run.seconds_of_workers and run.seconds - run.startup_s >= _LEAST_S
    return bool(has_worked) and run.rows_carried <= _MAX_CARRIED * run.rows_read


def _kind(device: str) -> str:
    return "cpu" if device == "cpu" else "cuda"
