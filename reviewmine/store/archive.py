"""Archives: the Parquet files that reviews are read from, under a hive-partitioned folder, a flat one, or alone.

An archive is only ever read. Its files are listed once; a footer tells the rows before any row is read, and the
etag of a file is looked at again after its rows were, because archives change under their readers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.errors import ArchiveError, ArchiveUnsettled
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Listed, Location, Store
from reviewmine.store.fragment import Fragment, RowGroup
from reviewmine.store.opening import open_store

_BATCH_ROWS = 4096
_BYTES_OF_A_PIECE = 2**20
_SUFFIXES = (".parquet", ".parq", ".pq")


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a Parquet file says of it; `column_bytes` of each column of the schema, not compressed."""

    schema: pa.Schema
    row_groups: tuple[RowGroup, ...]
    column_bytes: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        return sum(group.num_rows for group in self.row_groups)

    def bytes_of(self, column: str) -> int:
        """The bytes of a column of the whole file, as they are once they are decompressed; 0 if there is none."""
        found = self.schema.get_field_index(column)
        return self.column_bytes[found] if found >= 0 else 0


class Archive:
    """The Parquet files at a local path or an `s3://` URI. Picklable: it holds no connection until used."""

    def __init__(self, uri: str) -> None:
        self.location = Location.parse(uri)

    def __reduce__(self) -> tuple[type["Archive"], tuple[str]]:
        return Archive, (self.location.uri,)

    @cached_property
    def is_single_file(self) -> bool:
        return (
            self.location.path.endswith(_SUFFIXES)
            and open_store(self.location.parent).stat(self.location.name) is not None
        )

    @cached_property
    def store(self) -> Store:
        return open_store(self.location.parent if self.is_single_file else self.location)

    def files(self) -> list[Listed]:
        """Every Parquet file, in order of path; names that begin with `_` or `.` are passed over, as Spark does.

        Raises ArchiveError where there is none, and where files lie under different partition keys.
        """
        if self.is_single_file:
            found = self.store.stat(self.location.name)
            return [found] if found else []
        listed = [file for file in self.store.list("") if _is_parquet(file)]
        for file in listed:
            self._check_name(file.name)
        if not listed:
            raise ArchiveError(
                f"{self.location.uri}: found no Parquet files; expected a file, a folder or a prefix that holds "
                f"files ending in {', '.join(_SUFFIXES)}"
            )
        examples: dict[tuple[str, ...], str] = {}
        for file in listed:
            examples.setdefault(Partition.of_file(file.name).keys, file.name)
        if len(examples) > 1:
            found_keys = " and ".join(
                f"{'/'.join(keys) or 'none'} ({name})" for keys, name in examples.items()
            )
            raise ArchiveError(
                f"{self.location.uri}: found partition keys {found_keys}; expected the same for every file; name a "
                "folder below, or move what does not belong to the archive away"
            )
        return listed

    def footer(self, path: str) -> Footer:
        """Raises ArchiveError for a file that is not whole Parquet."""
        with self._opened(path) as parquet:
            schema, metadata = parquet.schema_arrow, parquet.metadata
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            sizes = tuple(RowGroup(group.num_rows, group.total_byte_size) for group in groups)
            return Footer(schema, sizes, _column_bytes(schema, groups))

    def read(self, fragment: Fragment, select: Callable[[pa.Schema], Sequence[str]]) -> pa.Table:
        """The rows of `fragment`, in file order, with the columns that `select` picks from the file's schema.

        Raises ArchiveError if the file cannot be read, ArchiveUnsettled if its store gave no answer, or if it is not at
        the fragment's etag before or after.
        """
        self.check_unchanged(fragment)
        opened = self._opened(fragment.path)
        try:
            with opened as parquet:
                columns = list(select(parquet.schema_arrow))
                batches = list(_batches(opened.for_rows_of(fragment), fragment, columns))
        except ArchiveError:
            self.check_unchanged(fragment)  # the bytes of two files are no Parquet
            raise
        self.check_unchanged(fragment)
        num_rows = sum(batch.num_rows for batch in batches)
        if num_rows != fragment.num_rows:
            raise ArchiveError(
                f"{self.location.uri}/{fragment.path}: found {num_rows} rows from row {fragment.first_row} on, "
                f"expected {fragment.num_rows}; the file does not hold what its footer says"
            )
        return pa.Table.from_batches(batches)

    def check_unchanged(self, fragment: Fragment) -> None:
        found = self.store.stat(fragment.path)
        if found is None or found.etag != fragment.etag:
            raise ArchiveUnsettled(
                f"{self.location.uri}/{fragment.path}: changed while it was read: found "
                f"{found.etag if found else 'no file'}, expected etag {fragment.etag}; rerun to plan it anew"
            )

    def _check_name(self, name: str) -> None:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ArchiveError(
                f"{self.location.uri}: found a file whose name is not UTF-8, {name!r}; expected names that can be "
                "written into the table, which names the file of every row; rename it"
            ) from None

    def _opened(self, path: str) -> "_Opened":
        return _Opened(self, path)


_OF_THE_STORE = "AWS Error"
"""In what Arrow raises where a store refuses or fails; its errors of Parquet have the same type."""


class _Opened:
    """A Parquet file for the length of a `with`; whatever goes wrong in it becomes an ArchiveError that names it."""

    def __init__(self, archive: Archive, path: str) -> None:
        self._archive = archive
        self._path = path

    def __enter__(self) -> pq.ParquetFile:
        try:
            self._file = self._archive.store.open(self._path)
            self._parquet = pq.ParquetFile(self._file)
            return self._parquet
        except (OSError, pa.ArrowException) as broken:
            self.__exit__(type(broken), broken, None)
            raise

    def for_rows_of(self, fragment: Fragment) -> pq.ParquetFile:
        """The file for reading the rows of `fragment`.

        Whole row groups are read in as few requests as can be; one that the fragment was cut out of in pieces, so that
        what follows the fragment is neither read nor held.
        """
        metadata = self._parquet.metadata
        groups, _ = _overlapping(metadata, fragment)
        if sum(metadata.row_group(i).num_rows for i in groups) == fragment.num_rows:
            return self._parquet
        return pq.ParquetFile(self._file, metadata=metadata, buffer_size=_BYTES_OF_A_PIECE, pre_buffer=False)

    def __exit__(self, kind: object, broken: BaseException | None, trace: object) -> None:
        if hasattr(self, "_file"):
            self._file.close()
        if isinstance(broken, OSError | pa.ArrowException):
            where = f"{self._archive.location.uri}/{self._path}"
            reason = str(broken).splitlines()[0] if str(broken) else type(broken).__name__
            if _OF_THE_STORE in reason:
                raise ArchiveUnsettled(f"{where}: the store did not give it: {reason}; rerun") from broken
            raise ArchiveError(f"{where}: cannot be read as Parquet: {reason}") from broken


def _column_bytes(schema: pa.Schema, groups: Sequence[pq.RowGroupMetaData]) -> tuple[int, ...]:
    """Bytes by column [columns]; the leaves of a nested column lie side by side under its name."""
    num_bytes = dict.fromkeys(schema.names, 0)
    leaves = (group.column(i) for group in groups for i in range(group.num_columns))
    for leaf in leaves:
        name = leaf.path_in_schema
        name = name if name in num_bytes else name.split(".", 1)[0]
        num_bytes[name] += leaf.total_uncompressed_size
    return tuple(num_bytes[name] for name in schema.names)


def _is_parquet(file: Listed) -> bool:
    hidden = any(segment.startswith(("_", ".")) for segment in file.name.split("/") if "=" not in segment)
    return file.name.endswith(_SUFFIXES) and not hidden


def _batches(parquet: pq.ParquetFile, fragment: Fragment, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of `fragment`, a batch at a time: of a row group that is far larger, no more is held in memory."""
    groups, row = _overlapping(parquet.metadata, fragment)
    for batch in parquet.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns, use_threads=False):
        first = max(fragment.first_row - row, 0)
        end = min(fragment.end_row - row, batch.num_rows)
        if first < end:
            yield batch.slice(first, end - first)
        row += batch.num_rows
        if row >= fragment.end_row:
            return


def _overlapping(metadata: pq.FileMetaData, fragment: Fragment) -> tuple[list[int], int]:
    """The row groups that hold rows of `fragment`, and how many rows lie before the first of them."""
    groups, skipped, row = [], 0, 0
    for i in range(metadata.num_row_groups):
        end = row + metadata.row_group(i).num_rows
        if end <= fragment.first_row:
            skipped = end
        elif row < fragment.end_row:
            groups.append(i)
        row = end
    return groups, skipped
