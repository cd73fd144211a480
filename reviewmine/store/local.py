"""Objects on a local disk: a put is a file made ready in a scratch folder and moved into place."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from reviewmine.errors import PreconditionFailed, StoreError
from reviewmine.store.filesystem import Listed, Stored
from reviewmine.store.layout import scratch_name


class LocalStore:
    """A store below the folder `root`.

    Every put is atomic (rename or link of a synced file); conditional puts hold an advisory lock on the folder
    of their object, so they are atomic among all processes of one machine that go through this class.
    """

    def __init__(self, root: Path, *, scratch: str = "") -> None:
        self._root = root
        self._scratch = scratch
        self.compare_and_swap = True

    def deny_compare_and_swap(self) -> None:
        self.compare_and_swap = False

    @property
    def root(self) -> str:
        return str(self._root)

    def get(self, name: str) -> Stored | None:
        try:
            body = (self._root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as refused:
            raise _refusal("read", self._root / name, refused) from refused
        return Stored(body, _etag(body))

    def open(self, name: str) -> Any:
        return pa.OSFile(str(self._root / name), "rb")

    def stat(self, name: str) -> Listed | None:
        try:
            status = (self._root / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as refused:
            raise _refusal("read", self._root / name, refused) from refused
        return _listed(name, status) if stat.S_ISREG(status.st_mode) else None

    def put(self, name: str, body: bytes) -> None:
        with self._ready(name, lambda file: _write(file, body)) as file:
            file.replace(self._root / name)

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        with self._ready(name, lambda file: _write(file, body)) as file, _locked((self._root / name).parent):
            current = self.get(name)
            if (current.etag if current else None) != etag:
                raise PreconditionFailed(
                    f"{self._root / name}: found etag {current and current.etag}, expected {etag}"
                )
            file.replace(self._root / name)
        return _etag(body)

    def copy(self, source: str, target: str) -> None:
        with self._ready(target, lambda file: _copy(self._root / source, file)) as file:
            file.replace(self._root / target)

    def delete(self, name: str) -> None:
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as refused:
            raise _refusal("delete", self._root / name, refused) from refused

    def list(self, prefix: str) -> Iterator[Listed]:
        """A link is followed; one that leads nowhere is listed, for whoever reads it to stumble over."""
        found = []
        for folder, _, files in os.walk(self._root / prefix, followlinks=True, onerror=_unless_absent):
            below = Path(folder).relative_to(self._root).as_posix()
            for name in files:
                status = _status(f"{folder}/{name}")  # no Path for each: an archive may have 100,000 files
                if status is not None:
                    found.append(_listed(name if below == "." else f"{below}/{name}", status))
        yield from sorted(found)

    @contextmanager
    def _ready(self, name: str, write: Callable[[Path], None]) -> Iterator[Path]:
        """A written and synced file on the same disk as `name`, whose folder exists; gone afterwards."""
        file = self._root / self._scratch / scratch_name()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            (self._root / name).parent.mkdir(parents=True, exist_ok=True)
            write(file)
            yield file
        except OSError as refused:
            raise _refusal("write", self._root / name, refused) from refused
        finally:
            with suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()


def _listed(name: str, status: os.stat_result) -> Listed:
    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return Listed(name, status.st_size, f"{status.st_size:x}-{status.st_mtime_ns:x}", modified_at)


def _status(path: str) -> os.stat_result | None:
    """Of what a link leads to, or of the link where that is nothing; None where it was deleted in this moment."""
    for look in (os.stat, os.lstat):
        with suppress(FileNotFoundError):
            return look(path)
    return None


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _write(file: Path, body: bytes) -> None:
    with file.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())


def _copy(source: Path, file: Path) -> None:
    shutil.copyfile(source, file)
    with file.open("rb+") as out:
        os.fsync(out.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unless_absent(refused: OSError) -> None:
    """A folder that cannot be listed is an error: to pass over it would lose what lies in it."""
    if not isinstance(refused, FileNotFoundError | NotADirectoryError):
        raise _refusal("list", Path(refused.filename), refused) from refused


def _refusal(what: str, path: Path, refused: OSError) -> StoreError:
    advice = f"check that this user may {what} there"
    if refused.errno == errno.EXDEV:
        advice = "a table and the meta beside it share one file system; choose a folder below the mount"
    return StoreError(f"{path}: cannot {what}: {refused.strerror or refused}; {advice}")
