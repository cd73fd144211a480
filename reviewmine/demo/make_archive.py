"""The command behind scripts/make-archive: one Parquet or CSV file becomes a partitioned archive."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from reviewmine.contract.columns import listed
from reviewmine.demo.partitioned import write_archive
from reviewmine.errors import ArchiveError, ReviewmineError, UsageError
from reviewmine.text.mask import mask


def read_reviews(path: Path) -> pa.Table:
    """The rows [rows] of a Parquet file, or of a CSV file with a header, whose columns named `...id` stay text.

    Raises:
        ArchiveError: the file is not there, or is neither.
    """
    try:
        if path.suffix == ".parquet":
            return pq.ParquetFile(path).read()
        parse = pa_csv.ParseOptions(newlines_in_values=True)
        with pa_csv.open_csv(path, parse_options=parse) as reader:
            identifiers = {name: pa.string() for name in reader.schema.names if name.lower().endswith("id")}
        convert = pa_csv.ConvertOptions(column_types=identifiers)
        return pa_csv.read_csv(path, parse_options=parse, convert_options=convert)
    except (OSError, pa.ArrowInvalid) as broken:
        raise ArchiveError(f"{path}: cannot be read as {path.suffix or 'CSV'}: {mask(str(broken))}") from None


def renamed(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """`table` with each `new=old` of `columns` carried out.

    Raises:
        UsageError: an entry is not of that form, or names a column that is not there.
    """
    new_names = dict(zip(table.column_names, table.column_names, strict=True))
    for entry in columns:
        new, _, old = entry.partition("=")
        if not new or old not in new_names:
            raise UsageError(
                f"--columns {entry!r}: expected new=old, old being one of {listed(table.column_names)}"
            )
        new_names[old] = new
    return table.rename_columns(list(new_names.values()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make-archive", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="a .parquet file, or CSV with a header")
    parser.add_argument("out", type=Path, metavar="OUT", help="the archive's folder: empty, or not there yet")
    parser.add_argument("--partition-by", choices=("month", "day", "none"), default="month")
    parser.add_argument("--files-per-partition", type=int, default=1, metavar="N")
    parser.add_argument("--rows-per-group", type=int, default=10_000, metavar="M")
    parser.add_argument("--date-column", metavar="C", help="the first column of dates if not given")
    parser.add_argument("--columns", default="", metavar="NEW=OLD,...", help="columns to rename")
    given = parser.parse_args(arguments)
    try:
        table = renamed(read_reviews(given.file), [entry for entry in given.columns.split(",") if entry])
        num_files = write_archive(
            table,
            given.out,
            partition_by=None if given.partition_by == "none" else given.partition_by,
            files_per_partition=given.files_per_partition,
            rows_per_group=given.rows_per_group,
            date_column=given.date_column,
        )
    except ReviewmineError as error:
        print(f"make-archive: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{given.out}: {table.num_rows:,} rows in {num_files:,} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
