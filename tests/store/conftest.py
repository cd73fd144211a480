"""An empty store of each kind."""

from pathlib import Path

import pytest
from stores import MemoryStore

from reviewmine.store.filesystem import Location, Store
from reviewmine.store.opening import open_store


@pytest.fixture(params=["local", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind that a table may live in."""
    if request.param == "memory":
        return MemoryStore()
    uri = tmp_path / "root" if request.param == "local" else request.getfixturevalue("s3_uri")
    return open_store(Location.parse(uri), scratch="scratch")
