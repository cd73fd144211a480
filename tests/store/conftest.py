"""An empty store of each kind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from stores import MemoryStore

from reviewmine.store.filesystem import Location, Store
from reviewmine.store.opening import open_store

KINDS_THAT_SWAP = ["local", "s3", "memory"]
SWIFT = pytest.param("swift", marks=pytest.mark.object_store)


@pytest.fixture(params=[*KINDS_THAT_SWAP, SWIFT])
def store(request: pytest.FixtureRequest, make_store: Callable[[str], Store]) -> Store:
    """An empty store of each kind that a table may live in."""
    return make_store(request.param)


@pytest.fixture(params=KINDS_THAT_SWAP)
def swapping_store(request: pytest.FixtureRequest, make_store: Callable[[str], Store]) -> Store:
    """An empty store of each kind that has compare-and-swap."""
    return make_store(request.param)


@pytest.fixture
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Store]:
    def make(kind: str) -> Store:
        if kind == "memory":
            return MemoryStore()
        fixtures = {"s3": "s3_uri", "swift": "object_store_uri"}
        uri = request.getfixturevalue(fixtures[kind]) if kind in fixtures else tmp_path / "root"
        return open_store(Location.parse(uri), scratch="scratch")

    return make
