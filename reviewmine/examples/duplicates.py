"""Duplicates: one row for each text, whatever the number of its copies, with all the labels that they agree on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from reviewmine.contract.examples import HELD_OUT_FIELD
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.sets import normalised


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """Examples with one row per text, and what was found on the way: copies, and texts that disagree by head."""

    examples: pa.Table
    num_copies: int
    num_conflicts: dict[str, int]


def without_duplicates(table: pa.Table, heads: Mapping[str, HeadLabels]) -> Distinct:
    """`table` with one row per normalised body: its first, with labels it lacks lent by its copies.

    Copies that do not agree on a label that is a word teach nothing: none of them is kept. Of numbers the first is
    kept. Spans are places in the raw body, and are lent and compared between bodies that are equal to the letter. A
    text that one copy puts into validation is in validation.
    """
    bodies = table["body"].to_pylist()
    keys = [normalised(body or "") for body in bodies]
    first: dict[str, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    disagreeing: set[str] = set()
    num_conflicts: dict[str, int] = {}
    owners: dict[str, dict[str, int]] = {}
    for name, takes in heads.items():
        labels = [_comparable(label) for label in table[name].to_pylist()]
        owners[name], conflicts = dict(first), set()
        for row, key in enumerate(keys):
            if labels[row] is None or (takes.kind == "spans" and bodies[row] != bodies[first[key]]):
                continue
            owner = owners[name][key]
            if labels[owner] is None:
                owners[name][key] = row
            elif takes.kind != "number" and labels[owner] != labels[row]:
                conflicts.add(key)
        num_conflicts[name] = len(conflicts)
        disagreeing |= conflicts
    kept = [key for key in first if key and key not in disagreeing]
    examples = table.take(pa.array([first[key] for key in kept], pa.int64()))
    for name in heads:
        lent = table[name].take(pa.array([owners[name][key] for key in kept], pa.int64()))
        examples = examples.set_column(examples.schema.get_field_index(name), table.field(name), lent)
    return Distinct(
        examples=_held_out_by_any(examples, table, keys, kept),
        num_copies=table.num_rows - len(first),
        num_conflicts=num_conflicts,
    )


def _held_out_by_any(examples: pa.Table, table: pa.Table, keys: list[str], kept: list[str]) -> pa.Table:
    """`examples` [kept] held out where any copy in `table` [keys] is, and not where one is not and none is."""
    name = HELD_OUT_FIELD.name
    sides: dict[str, bool] = {}
    for key, held_out in zip(keys, table[name].to_pylist(), strict=True):
        if held_out is not None:
            sides[key] = held_out or sides.get(key, False)
    merged = pa.array([sides.get(key) for key in kept], HELD_OUT_FIELD.type)
    return examples.set_column(examples.schema.get_field_index(name), HELD_OUT_FIELD, merged)


def _comparable(label: Any) -> Any:
    """A label such that two that mean the same are equal: the order of several says nothing."""
    if not isinstance(label, list):
        return label
    return sorted((one["start"], one["end"], one["label"]) if isinstance(one, dict) else one for one in label)
