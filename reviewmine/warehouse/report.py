"""The report that ends a demo: polarity per partition, rows worth reading, and a query to go on with."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from reviewmine.warehouse.chart import save_png, terminal_chart
from reviewmine.warehouse.polarity import partition_keys, polarity_by_partition
from reviewmine.warehouse.reading import example_lines, rows_worth_reading
from reviewmine.warehouse.views import query_to_paste


def report(
    table: str | Path,
    *,
    console: Console,
    png: Path | None = None,
) -> None:
    """Print the report on a published table, and write its chart to `png`.

    Args:
        table: its root, a local path or an `s3://` URI.
    """
    root = str(table)
    partitions = polarity_by_partition(root)
    if not partitions:
        console.print(Text(f"{root}: the table has no rows"), soft_wrap=True)
        return
    keys = partition_keys(root)
    console.rule("polarity per partition", align="left")
    console.print(terminal_chart(partitions))
    num_left_out = sum(partition.num_rows - partition.num_annotated for partition in partitions)
    if num_left_out:
        console.print(Text(f"reviews of which no polarity is claimed: {num_left_out:,}", style="dim"))
    console.print()
    console.rule("rows worth reading", align="left")
    console.print(example_lines(rows_worth_reading(root)))
    console.rule("to go on with, in DuckDB", align="left")
    # Printed as it is: a query that was wrapped or coloured is one that cannot be pasted.
    console.print(Text(query_to_paste(root, keys)), soft_wrap=True)
    if png is not None:
        png.parent.mkdir(parents=True, exist_ok=True)
        save_png(partitions, png, title="Polarity of reviews", axis=" / ".join(keys) or "day of review (UTC)")
        console.print(Text(f"chart: {png}"), soft_wrap=True)
    console.print(Text(f"table: {root}"), soft_wrap=True)
