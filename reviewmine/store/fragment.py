"""Fragments: the unit of work, a range of rows of one archive file that is small enough to hold in memory.

A fragment is named by what it is (path, etag, row range), never by who works on it, so that its receipt means the
same to every run. Large row groups are cut, small ones of a file are joined.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from reviewmine.store.record import Record, digest

MAX_ROWS = 20_000
MAX_BYTES = 64 * 2**20


class Fragment(Record):
    """Rows `first_row` to `first_row + num_rows` of the archive file `path` as it was at `etag`."""

    path: str
    etag: str
    first_row: int
    num_rows: int

    @property
    def id(self) -> str:
        return digest(self.path, self.etag, self.first_row, self.num_rows)

    @property
    def end_row(self) -> int:
        return self.first_row + self.num_rows


class RowGroup(NamedTuple):
    """The rows of one row group of a file and their size in memory, as the footer tells it."""

    num_rows: int
    num_bytes: int


def cut(
    path: str,
    etag: str,
    row_groups: Sequence[RowGroup],
    *,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Fragment]:
    """The fragments of a file, in order of rows; together they cover every row once.

    Neighbouring small row groups are joined while their sum stays within both bounds; a row group over a bound
    is cut by itself into equal ranges.
    """
    first_row = num_rows = num_bytes = 0
    for group in row_groups:
        if num_rows and (num_rows + group.num_rows > max_rows or num_bytes + group.num_bytes > max_bytes):
            yield from _ranges(path, etag, first_row, num_rows, num_bytes, max_rows, max_bytes)
            first_row, num_rows, num_bytes = first_row + num_rows, 0, 0
        num_rows, num_bytes = num_rows + group.num_rows, num_bytes + group.num_bytes
    yield from _ranges(path, etag, first_row, num_rows, num_bytes, max_rows, max_bytes)


def _ranges(
    path: str, etag: str, first_row: int, num_rows: int, num_bytes: int, max_rows: int, max_bytes: int
) -> Iterator[Fragment]:
    if not num_rows:
        return
    num_ranges = min(num_rows, max(-(-num_rows // max_rows), -(-num_bytes // max_bytes)))
    bounds = [first_row + num_rows * i // num_ranges for i in range(num_ranges + 1)]
    for start, end in pairwise(bounds):
        yield Fragment(path=path, etag=etag, first_row=start, num_rows=end - start)
