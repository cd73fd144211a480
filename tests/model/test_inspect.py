import subprocess
import sys
from pathlib import Path

import pytest
from tiny_checkpoint import make_checkpoint

from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.inspect import load_text_encoder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("tiny"))


def test_the_text_encoder_of_a_checkpoint_can_be_had_without_its_network(tiny: Path) -> None:
    reviews = [None, "zip"], ["The strap was weak!", "It is okay."]
    assert load_text_encoder(tiny).encode(*reviews) == load_checkpoint(tiny).encoder.encode(*reviews)


@pytest.mark.parametrize("module", ["annotate.prepare", "backfill.run", "distributed.stages", "cli"])
def test_what_runs_beside_the_network_starts_without_torch_and_transformers(module: str) -> None:
    program = f"import sys, reviewmine.{module}; print(*{{'torch', 'transformers'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""
