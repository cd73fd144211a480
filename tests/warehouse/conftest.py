"""Small published tables, written with the contract's own schema."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviewmine.contract.annotations import annotations_schema

WriteTable = Callable[[dict[str, list[dict[str, Any]]]], Path]


def an_opinion(polarity: str, *, intensity: float = 0.5, summary: str = "", **columns: Any) -> dict[str, Any]:
    """An annotated row; the probability of its polarity is 0.8."""
    text = summary or f"A summary that says enough about a {polarity} opinion to be read."
    probabilities = {
        f"polarity_{name}": 0.8 if name == polarity else 0.1 for name in ("negative", "neutral", "positive")
    }
    return {
        "review_id": "r",
        "product_id": "p1",
        "reviewed_at": datetime(2024, 1, 31, 12, tzinfo=UTC),
        "source_row": 0,
        "language": "en",
        "polarity": polarity,
        **probabilities,
        "intensity": intensity,
        "intensity_level": "medium",
        "summary": text,
        "summary_method": "verbatim",
        "summary_spans": [{"start": 0, "end": len(text)}],
        "status": "ok",
        **columns,
    }


def a_silence(status: str, **columns: Any) -> dict[str, Any]:
    """A row that carries a status instead of an opinion."""
    row = an_opinion("neutral")
    nothing = dict.fromkeys(name for name in row if name.startswith(("polarity", "intensity", "summary")))
    nothing |= {"summary_method": "none", "summary_spans": []}
    return row | nothing | {"status": status, "language": "und"} | columns


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Writes rows by file, `dt=2024-01-31/a.parquet`, as a table; a row's lineage is its place in it."""

    def write(files: dict[str, list[dict[str, Any]]]) -> Path:
        root = tmp_path / "it's a table"
        root.mkdir()
        for name, rows in files.items():
            lineage = [{**row, "source_file": name, "source_row": number} for number, row in enumerate(rows)]
            # Columns that the contract does not name may stand anywhere among its own.
            table = pa.Table.from_pylist(lineage, schema=annotations_schema())
            table = table.add_column(3, "stars", pa.array([5] * len(rows), pa.int32()))
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, root / name)
        return root

    return write


@pytest.fixture
def opinion() -> Callable[..., dict[str, Any]]:
    return an_opinion


@pytest.fixture
def silence() -> Callable[..., dict[str, Any]]:
    return a_silence
