"""The report of scripts/bench/kills: what was killed or befell the store, what stood and was used again, what broke."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

Record = dict[str, Any]


def report(records: Sequence[Record]) -> str:
    """One row for each kind of case, what struck below it, and every promise that was broken."""
    lines = [
        f"{'':8}{'cases':>7}{'struck':>8}{'missed':>8}{'runs':>6}{'receipts stood':>16}{'due':>6}{'reused':>8}"
        f"{'broken':>8}{'median s':>10}"
    ]
    for kind in ("kills", "faults"):
        if of_kind := [record for record in records if record["kind"] == kind]:
            lines += [_row(kind, of_kind), f"        {_struck(of_kind)}"]
    for record in records:
        lines += [f"{record['kind']} {record['seed']}: {told}" for told in record["broken"]]
    return "\n".join(lines)


def _row(kind: str, records: Sequence[Record]) -> str:
    def total(name: str) -> int:
        return sum(len(found) if isinstance(found := record[name], list) else found for record in records)

    seconds = median(record["seconds"] for record in records)
    return (
        f"{kind:8}{len(records):>7}{total('struck'):>8}{total('missed'):>8}{total('exit_codes'):>6}"
        f"{total('receipts_stood'):>16}{total('receipts_due'):>6}{total('receipts_reused'):>8}{total('broken'):>8}{seconds:>10.1f}"
    )


def _struck(records: Sequence[Record]) -> str:
    """How many of each."""
    counted = Counter(_name(struck) for record in records for struck in record["struck"])
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))


def _name(struck: Record) -> str:
    return struck["kill"]["victim"] if "kill" in struck else struck["fault"]
