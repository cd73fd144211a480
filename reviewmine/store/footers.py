"""Footers kept between runs: what was once read at the ends of an archive's files, by path and etag, for this user.

Nothing rests on what is kept here: an entry counts only for the very etag that a listing shows, and a cache that is
not there, cannot be read or cannot be written costs time and no more.
"""

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.store.archive import Footer
from reviewmine.store.filesystem import Listed
from reviewmine.store.fragment import RowGroup
from reviewmine.store.record import digest

_log = logging.getLogger(__name__)
_VERSION = "1"
_LEAST_FILES = 1000
_NUMBERS = pa.list_(pa.int64())
_KEPT = pa.schema(
    [
        ("path", pa.string()),
        ("etag", pa.string()),
        ("schema", pa.int32()),
        ("group_rows", _NUMBERS),
        ("group_bytes", _NUMBERS),
        ("column_bytes", _NUMBERS),
    ]
)


def user_cache() -> Path:
    """The folder in which this user's programs keep what they can find again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reviewmine"


class FooterCache:
    """The footers of one archive in a file of `folder`; those of an archive of few files are not worth keeping."""

    def __init__(self, folder: Path, archive_uri: str, *, least_files: int = _LEAST_FILES) -> None:
        self._least_files = least_files
        self._file = folder / f"{digest(_VERSION, archive_uri)}.parquet"

    def load(self, files: Sequence[Listed]) -> dict[str, Footer]:
        """The footers of those of `files` that are kept at their etag, by path."""
        if len(files) < self._least_files:
            return {}
        try:
            kept = pq.read_table(self._file)
            schemas = _schemas(kept.schema.metadata or {})
        except FileNotFoundError:
            return {}
        except (OSError, pa.ArrowException, ValueError) as broken:
            _log.warning("%s: the footers kept here are read anew: %s", self._file, broken)
            return {}
        etags = {file.name: file.etag for file in files}
        found = {}
        for batch in kept.to_batches(max_chunksize=4096):
            for path, etag, schema, rows, num_bytes, columns in zip(
                *(batch[name].to_pylist() for name in _KEPT.names), strict=True
            ):
                if etags.get(path) == etag:
                    groups = tuple(map(RowGroup, rows, num_bytes))
                    found[path] = Footer(schemas[schema], groups, tuple(columns))
        return found

    def save(self, files: Sequence[Listed], footers: Mapping[str, Footer]) -> None:
        """Keep the footers of those of `files` that have one, in place of what was kept."""
        if len(files) < self._least_files:
            return
        numbers: dict[int, int] = {}
        schemas: list[pa.Schema] = []
        columns: dict[str, list[object]] = {name: [] for name in _KEPT.names}
        for file in files:
            footer = footers.get(file.name)
            if footer is None:
                continue
            if id(footer.schema) not in numbers:
                numbers[id(footer.schema)] = len(schemas)
                schemas.append(footer.schema)
            columns["path"].append(file.name)
            columns["etag"].append(file.etag)
            columns["schema"].append(numbers[id(footer.schema)])
            columns["group_rows"].append([group.num_rows for group in footer.row_groups])
            columns["group_bytes"].append([group.num_bytes for group in footer.row_groups])
            columns["column_bytes"].append(list(footer.column_bytes))
        table = pa.table(columns, schema=_KEPT.with_metadata(_metadata(schemas)))
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".footers-", dir=self._file.parent) as scratch:
                written = Path(scratch) / self._file.name
                pq.write_table(table, written, compression="zstd")
                written.replace(self._file)
        except OSError as refused:
            _log.info("%s: footers are not kept: %s", self._file, refused)


def _metadata(schemas: Sequence[pa.Schema]) -> dict[str, bytes]:
    return {str(number): schema.serialize().to_pybytes() for number, schema in enumerate(schemas)}


def _schemas(metadata: Mapping[bytes, bytes]) -> dict[int, pa.Schema]:
    written = {int(name): value for name, value in metadata.items() if name.isdigit()}
    return {number: pa.ipc.read_schema(pa.py_buffer(value)) for number, value in written.items()}
