"""A Ray for the tests of one session, and a checkpoint that is small enough to load in each of its actors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from daily_archive import write_daily
from tiny_checkpoint import make_checkpoint

from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
from reviewmine.distributed.session import ray_session


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a random checkpoint for English."""
    torch.set_num_threads(1)
    return make_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def ray_up() -> Iterator[None]:
    """A local Ray that all tests of the session share."""
    with ray_session():
        yield


@pytest.fixture
def settings(tmp_path: Path, tiny_checkpoint: Path) -> AnnotateSettings:
    """A run over a small archive of days, by one actor on the CPU."""
    return AnnotateSettings(
        archive=str(write_daily(tmp_path / "archive")),
        table=str(tmp_path / "annotations"),
        checkpoint=str(tiny_checkpoint),
        pool=PoolSettings(num_actors=1, device="cpu"),
    )
