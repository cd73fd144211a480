from pathlib import Path

import pytest
import torch
from tiny_checkpoint import make_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny checkpoint for English."""
    torch.set_num_threads(1)
    return make_checkpoint(tmp_path_factory.mktemp("tiny"))
