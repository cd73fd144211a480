"""The world that most tests of this folder live in."""

from pathlib import Path

import pytest
from backfill_world import World, two_days


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two days, three files, ids that repeat."""
    return two_days(tmp_path)
