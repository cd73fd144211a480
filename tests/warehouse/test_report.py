from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from reviewmine.warehouse.report import report

Rows = Callable[..., dict[str, Any]]
WriteTable = Callable[[dict[str, list[dict[str, Any]]]], Path]


def printed(table: Path, png: Path | None = None) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        report(table, console=console, png=png)
    return capture.get()


def test_a_report_has_the_chart_the_rows_a_query_that_runs_and_the_places(
    write_table: WriteTable, opinion: Rows, silence: Rows, tmp_path: Path
) -> None:
    table = write_table({"dt=2024-01-31/a.parquet": [opinion("negative")] * 12 + [silence("empty")]})
    png = tmp_path / "new folder" / "polarity.png"
    text = printed(table, png)
    assert f"2024-01-31       12  {'█' * 32}  100%" in text
    assert "reviews of which no polarity is claimed: 1\n" in text
    assert "the strongest complaint" in text
    assert png.read_bytes().startswith(b"\x89PNG")
    assert f"chart: {png}\n" in text
    assert f"table: {table}\n" in text
    query = text[text.index("SELECT") : text.index("LIMIT 10;")]
    assert duckdb.connect().execute(query).fetchone()[2] == 12


def test_a_table_without_rows_is_said_to_have_none(write_table: WriteTable) -> None:
    assert "the table has no rows" in printed(write_table({}))
