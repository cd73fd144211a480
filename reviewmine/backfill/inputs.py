"""Inputs: which files of an archive each partition is made from, as listings, footers and dates tell.

For partitions derived from dates the date column is read, since a file then touches several partitions.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.dividing import derived_values
from reviewmine.contract.reviews import ReviewColumns, check_schema, conform_dates, date_column
from reviewmine.errors import ArchiveError, ContractError, StoreError, StoreUnavailable
from reviewmine.partition import NULL_VALUE, Partition, PartitionBy
from reviewmine.store.archive import Archive, Footer
from reviewmine.store.filesystem import Listed
from reviewmine.store.footers import FooterCache
from reviewmine.store.fragment import Fragment, cut
from reviewmine.store.manifest import InputFile
from reviewmine.store.parallel import in_parallel

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reject:
    """An archive file that cannot be read, and why."""

    path: str
    reason: str


class Inputs:
    """The files of one archive, listed once; footers and dates are read when they are asked for, and once each."""

    def __init__(
        self,
        archive: Archive,
        columns: ReviewColumns,
        partition_by: PartitionBy | None,
        cache: FooterCache | None = None,
    ) -> None:
        self._archive = archive
        self._columns = columns
        self._partition_by = partition_by
        self._cache = cache
        self.files = archive.files()
        self._absent: set[str] = set()
        self._touched: dict[str, list[Partition] | Reject] = {}
        self._footers: dict[str, Footer | Reject] = {}
        self._schemas: dict[pa.Schema, pa.Schema] = {}
        self._read_as: dict[int, Mapping[str, str]] = {}
        self._is_cache_read = False
        self._shares: dict[tuple[Partition, str], int] = {}

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
        touched: Iterable[list[Partition] | Reject] = (
            ([Partition.of_file(file.name)] for file in self.files)
            if self._partition_by is None
            else self._touched_by_dates()
        )
        for file, partitions in zip(self.files, touched, strict=True):
            if isinstance(partitions, Reject):
                rejects.append(partitions)
                continue
            for partition in partitions:
                found[partition].append(file)
        return dict(found), rejects

    def look_for(self, paths: Iterable[str]) -> bool:
        """Take in those of `paths` that the listing lacks and the store has; whether there are any.

        Each is looked up by its name, once, for a listing proves no absence. A single file has no neighbours.
        """
        if self._archive.is_single_file:
            return False
        unlisted = sorted(set(paths) - {file.name for file in self.files} - self._absent)
        looked_up = in_parallel(self._look_up, unlisted)
        self._absent |= {path for path, file in zip(unlisted, looked_up, strict=True) if file is None}
        if found := [file for file in looked_up if file is not None]:
            told = found[0].name + (f" and {len(found) - 1:,} more" if len(found) > 1 else "")
            _log.warning(
                "%s: the store has %s, which its listing lacks; taken as found",
                self._archive.location.uri,
                told,
            )
            self.files = sorted([*self.files, *found])
        return bool(found)

    def _look_up(self, path: str) -> Listed | None:
        """The file of this name; None where there is none, or where it may not be looked at, and so not read either."""
        try:
            return self._archive.store.stat(path)
        except StoreUnavailable:
            raise
        except StoreError as refused:
            _log.warning("%s; it is taken for gone, as the listing says", refused)
            return None

    def look_into(self, files: Iterable[Listed]) -> list[Footer | Reject]:
        """The footers of `files`, in their order."""
        files = list(files)
        if self._cache and not self._is_cache_read and files:
            self._footers |= self._cache.load(self.files)
            self._is_cache_read = True
        unknown = [file for file in dict.fromkeys(files) if file.name not in self._footers]
        for file, footer in zip(unknown, in_parallel(self._footer, unknown), strict=True):
            self._footers[file.name] = footer
        if self._cache and unknown:
            readable = {name: found for name, found in self._footers.items() if isinstance(found, Footer)}
            self._cache.save(self.files, readable)
        return [self._footers[file.name] for file in files]

    def cut(self, file: Listed) -> tuple[InputFile, list[Fragment]]:
        """What a manifest says of a readable `file`, and its fragments.

        Raises ContractError, naming the file, if it lacks a required column.
        """
        footer = self._footers[file.name]
        assert isinstance(footer, Footer)  # whoever cuts has looked into the file and found no reject
        self._mapped(file, footer)
        whole = InputFile(path=file.name, num_bytes=file.num_bytes, etag=file.etag, num_rows=footer.num_rows)
        return whole, list(cut(file.name, file.etag, footer.row_groups))

    def are_gone(self, files: Sequence[InputFile]) -> bool:
        """Whether none of `files` is in the archive: each is looked up by its name, for a listing proves no absence."""
        stat = self._archive.store.stat
        return not any(in_parallel(lambda file: stat(file.path) is not None, files))

    def num_rows(self, partition: Partition, file: InputFile) -> int:
        """The rows of a file that was cut which lie in `partition`: all of them unless its key is derived."""
        return self._shares.get((partition, file.path), file.num_rows)

    def body_bytes(self, path: str) -> int:
        """The bytes of the bodies of a file that was cut, as its footer tells them."""
        footer = self._footers[path]
        assert isinstance(footer, Footer)
        return footer.bytes_of(self._read_as[id(footer.schema)]["body"])

    def _touched_by_dates(self) -> list[list[Partition] | Reject]:
        unknown = [file for file in self.files if file.name not in self._touched]
        self.look_into(unknown)
        found = in_parallel(self._derived_partitions, unknown)
        self._touched |= {file.name: touched for file, touched in zip(unknown, found, strict=True)}
        return [self._touched[file.name] for file in self.files]

    def _derived_partitions(self, file: Listed) -> list[Partition] | Reject:
        """The partitions that the dates of a file fall under, their rows counted; a file without rows touches none.

        One whose dates cannot be told is a reject; what else it lacks costs its partitions, once they are planned.
        """
        by, footer = self._partition_by, self._footers[file.name]
        if by is None or isinstance(footer, Reject):
            return footer if isinstance(footer, Reject) else []
        num_rows: Counter[str] = Counter()
        try:
            name = date_column(footer.schema, self._columns, where=self._where(file))
            if name is None:
                return [Partition.derived(by, NULL_VALUE)] if footer.num_rows else []
            for fragment in cut(file.name, file.etag, footer.row_groups):
                dates = conform_dates(self._archive.read(fragment, lambda _: [name])[name], self._columns)
                for counted in pc.value_counts(derived_values(by, dates)).to_pylist():
                    num_rows[counted["values"]] += counted["counts"]
        except (ArchiveError, ContractError) as broken:
            return Reject(file.name, str(broken))
        partitions = {Partition.derived(by, value): num_rows[value] for value in sorted(num_rows)}
        self._shares.update({(partition, file.name): counted for partition, counted in partitions.items()})
        return list(partitions)

    def _footer(self, file: Listed) -> Footer | Reject:
        """Files of one schema share it: an archive may have more files than there is room for schemas."""
        try:
            footer = self._archive.footer(file.name)
        except ArchiveError as broken:
            return Reject(file.name, str(broken))
        schema = footer.schema.remove_metadata()
        return replace(footer, schema=self._schemas.setdefault(schema, schema))

    def _mapped(self, file: Listed, footer: Footer) -> Mapping[str, str]:
        """The column that each field is read from; ContractError, naming the file, if a required one is missing."""
        if id(footer.schema) not in self._read_as:
            mapped = check_schema(footer.schema, self._columns, where=self._where(file))
            self._read_as[id(footer.schema)] = mapped
        return self._read_as[id(footer.schema)]

    def _where(self, file: Listed) -> str:
        return f"{self._archive.location.uri}/{file.name}"
