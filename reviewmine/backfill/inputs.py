"""Inputs: which files of an archive each partition is made from, as listings, footers and dates tell.

For partitions derived from dates the date column is read, since a file then touches several partitions.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.dividing import derived_values
from reviewmine.contract.reviews import ReviewColumns, check_schema, conform_dates
from reviewmine.errors import ArchiveError
from reviewmine.partition import NULL_VALUE, Partition, PartitionBy
from reviewmine.store.archive import Archive, Footer
from reviewmine.store.filesystem import Listed
from reviewmine.store.fragment import Fragment, cut
from reviewmine.store.manifest import InputFile
from reviewmine.store.parallel import in_parallel


@dataclass(frozen=True)
class Reject:
    """An archive file that cannot be read, and why."""

    path: str
    reason: str


class Inputs:
    """The files of one archive, listed once; footers are read when they are asked for, and once each."""

    def __init__(self, archive: Archive, columns: ReviewColumns, partition_by: PartitionBy | None) -> None:
        self._archive = archive
        self._columns = columns
        self._partition_by = partition_by
        self.files = archive.files()
        self._footers: dict[str, Footer | Reject] = {}

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The archive's own partition keys; none where the archive is flat or the keys are derived."""
        return () if self._partition_by else Partition.of_file(self.files[0].name).keys

    def schemas(self) -> list[pa.Schema]:
        """The schema of every readable file, for what must be agreed over the whole archive."""
        return [footer.schema for footer in self.look_into(self.files) if isinstance(footer, Footer)]

    def by_partition(self) -> tuple[dict[Partition, list[Listed]], list[Reject]]:
        """The files that each partition is made from, and those of which that cannot be told."""
        found: dict[Partition, list[Listed]] = defaultdict(list)
        rejects = []
        if self._partition_by is None:
            touched: Iterable[list[Partition] | Reject] = [[Partition.of_file(f.name)] for f in self.files]
        else:
            self.look_into(self.files)
            touched = in_parallel(self._derived_partitions, self.files)
        for file, partitions in zip(self.files, touched, strict=True):
            if isinstance(partitions, Reject):
                rejects.append(partitions)
                continue
            for partition in partitions:
                found[partition].append(file)
        return dict(found), rejects

    def look_into(self, files: Iterable[Listed]) -> list[Footer | Reject]:
        """The footers of `files`, in their order."""
        files = list(files)
        unknown = [file for file in dict.fromkeys(files) if file.name not in self._footers]
        for file, footer in zip(unknown, in_parallel(self._footer, unknown), strict=True):
            self._footers[file.name] = footer
        return [self._footers[file.name] for file in files]

    def cut(self, file: Listed) -> tuple[InputFile, list[Fragment]]:
        """What a manifest says of a readable `file`, and its fragments.

        Raises ContractError, naming the file, if it lacks a required column.
        """
        footer = self._footers[file.name]
        assert isinstance(footer, Footer)  # whoever cuts has looked into the file and found no reject
        check_schema(footer.schema, self._columns, where=self._where(file))
        whole = InputFile(path=file.name, num_bytes=file.num_bytes, etag=file.etag, num_rows=footer.num_rows)
        return whole, list(cut(file.name, file.etag, footer.row_groups))

    def _derived_partitions(self, file: Listed) -> list[Partition] | Reject:
        """The partitions that the dates of a file fall under; a file without rows touches none."""
        by, footer = self._partition_by, self._footers[file.name]
        if by is None or isinstance(footer, Reject):
            return footer if isinstance(footer, Reject) else []
        name = check_schema(footer.schema, self._columns, where=self._where(file)).get("reviewed_at")
        if name is None:
            return [Partition.derived(by, NULL_VALUE)] if footer.num_rows else []
        values: set[str] = set()
        try:
            for fragment in cut(file.name, file.etag, footer.row_groups):
                dates = conform_dates(self._archive.read(fragment, lambda _: [name])[name], self._columns)
                values.update(pc.unique(derived_values(by, dates)).to_pylist())
        except ArchiveError as broken:
            return Reject(file.name, str(broken))
        return [Partition.derived(by, value) for value in sorted(values)]

    def _footer(self, file: Listed) -> Footer | Reject:
        try:
            return self._archive.footer(file.name)
        except ArchiveError as broken:
            return Reject(file.name, str(broken))

    def _where(self, file: Listed) -> str:
        return f"{self._archive.location.uri}/{file.name}"
