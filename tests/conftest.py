"""What every test may ask for."""

from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("untimed")

SHARED_SETS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_sets() -> Path:
    """The folder of labelled review sets beside the checkout."""
    if not SHARED_SETS.is_dir():
        pytest.skip("the labelled review sets are not beside this checkout (../shared/data)")
    return SHARED_SETS
