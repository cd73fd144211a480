"""Opening: which kind of store a location is kept in."""

from pathlib import Path

from reviewmine.store.filesystem import Location, Store
from reviewmine.store.local import LocalStore
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.s3 import S3Store


def open_store(location: Location, *, scratch: str = "") -> Store:
    """The store rooted at `location`; `scratch` is the folder in which a local store readies its puts."""
    if location.scheme == "file":
        return LocalStore(Path(location.path), scratch=scratch)
    return RetryingStore(S3Store(location.path))
