from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model.backbone import BUILTIN_MINILM, load_backbone, load_tokenizer
from reviewmine.model.digest import sha256_of


def test_the_built_in_backbone_is_found_checked_and_loaded_without_its_pooler() -> None:
    backbone = load_backbone(BUILTIN_MINILM)
    assert backbone.width == 384
    assert backbone.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert all(parameter.dtype == torch.float32 for parameter in backbone.model.parameters())
    assert not any("pooler" in name for name, _ in backbone.model.named_parameters())


def test_a_directory_is_a_backbone_named_by_its_path(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    assert backbone.width == WIDTH
    assert backbone.sha256 == sha256_of(tmp_path / "model.safetensors")


def test_other_weights_than_the_expected_ones_are_refused(tmp_path: Path) -> None:
    make_backbone(tmp_path)
    with pytest.raises(CheckpointError, match="not the weights the checkpoint was made with"):
        load_backbone(str(tmp_path), sha256="0" * 64)
    with pytest.raises(CheckpointError, match="expected " + "0" * 64):
        load_backbone(BUILTIN_MINILM, sha256="0" * 64)


def test_pickle_weights_are_refused(tmp_path: Path) -> None:
    make_backbone(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickle weights are refused"):
        load_backbone(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("builtin:giant", "builtin:minilm-l6"),
        ("./not/there", "no such directory"),
        ("s3://bucket/encoder", "local directory"),
        ("someone/some-encoder", "needs a revision"),
    ],
)
def test_a_backbone_that_cannot_be_had_says_what_to_do(name: str, advice: str) -> None:
    with pytest.raises(CheckpointError, match=advice):
        load_backbone(name)


def test_a_directory_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    make_backbone(tmp_path)
    for path in tmp_path.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match=r"none of tokenizer\.json"):
        load_tokenizer(tmp_path)
