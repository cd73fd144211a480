"""Trials: what became of each run of a search, as a table for people and as files for machines."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from reviewmine.train.search import SearchSettings

State = Literal["done", "stopped early", "failed", "unfinished"]
_LONGEST_CELL = 60


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of a search: the values that it tried, by field, and what it came to.

    `value` is the search's metric, of the weights that the run keeps; None if it never had one. `share` is how much of
    its steps it took, `figures` are those of its last validation.
    """

    id: str
    values: Mapping[str, Any]
    state: State
    value: float | None = None
    share: float = 0.0
    seconds: float = 0.0
    reason: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def ranked(trials: Sequence[Trial], search: SearchSettings) -> list[Trial]:
    """The trials from the best to the worst; those without a value last, in the order of their ids."""
    sign = -1 if search.aim == "max" else 1
    return sorted(trials, key=lambda one: (math.inf if one.value is None else sign * one.value, one.id))


def best_of(trials: Sequence[Trial], search: SearchSettings) -> Trial | None:
    """The best trial that was trained to its end; None if none was."""
    finished = [one for one in ranked(trials, search) if one.state == "done" and one.value is not None]
    return finished[0] if finished else None


def trials_table(trials: Sequence[Trial], search: SearchSettings) -> Table:
    """A line for each trial, the best first; why a trial failed stands in the line of it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("trial", no_wrap=True)
    table.add_column(search.metric, justify="right")
    for name in search.space:
        table.add_column(name, justify="right")
    table.add_column("steps", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("")
    best = best_of(trials, search)
    for one in ranked(trials, search):
        told = "best" if one is best else "" if one.state == "done" else one.state
        table.add_row(
            one.id,
            "" if one.value is None else f"{one.value:.4f}",
            *(Text(shown(one.values[name])) for name in search.space),
            f"{one.share:.0%}",
            f"{one.seconds:,.0f}",
            Text(f"{told}: {one.reason}" if one.reason else told),
            style="bold" if one is best else "dim" if one.value is None else None,
        )
    return table


def trials_csv(trials: Sequence[Trial], search: SearchSettings) -> str:
    """The trials as CSV, the best first: a column for each field that was searched."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", search.metric, *search.space, "share_of_steps", "seconds", "reason"])
    for one in ranked(trials, search):
        values = (_plain(one.values[name]) for name in search.space)
        writer.writerow(
            [one.id, one.state, one.value, *values, f"{one.share:.4f}", f"{one.seconds:.1f}", one.reason]
        )
    return text.getvalue()


def trials_json(trials: Sequence[Trial], search: SearchSettings) -> str:
    """The search and its trials, the best first, with all figures of their last validations."""
    best = best_of(trials, search)
    told = {
        "search": search.model_dump(mode="json") | {"mode": search.aim},
        "best": best.id if best else None,
        "trials": [asdict(one) for one in ranked(trials, search)],
    }
    return json.dumps(told, indent=2) + "\n"


def shown(value: Any) -> str:
    """A value of a field as a person reads it, cut where it is long."""
    text = _told(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_told(one) if key == "kind" else f"{key} {_told(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_told(one) for one in value)
    return f"{value:.4g}" if isinstance(value, float) else str(_plain(value))


def _plain(value: Any) -> Any:
    """A value as one cell: a list or a table as JSON, a truth value as TOML has it."""
    return json.dumps(value) if isinstance(value, list | dict | bool) else value
