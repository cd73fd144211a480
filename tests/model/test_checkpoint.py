import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import WIDTH, make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model import adapter
from reviewmine.model.backbone import BUILTIN_MINILM, Backbone, load_backbone
from reviewmine.model.checkpoint import load_checkpoint, save_checkpoint
from reviewmine.model.digest import digest, write_digest
from reviewmine.model.network import OpinionNetwork
from reviewmine.model.spec import BackboneSpec, Spec
from reviewmine.model.tuning_spec import LowRankAdapter
from reviewmine.text.clean import CLEAN_VERSION


def a_spec(backbone: Backbone, *, name: str, inside: bool) -> Spec:
    return Spec(
        name="tiny",
        backbone=BackboneSpec(name=name, sha256=backbone.sha256, inside=inside),
        adapter=None if inside else LowRankAdapter(rank=4),
        max_tokens=32,
        clean_version=CLEAN_VERSION,
        languages=("en",),
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint of a tiny random network, its backbone inside."""
    folder = tmp_path_factory.mktemp("tiny")
    backbone = load_backbone(str(make_backbone(folder / "backbone")))
    torch.manual_seed(0)
    network = OpinionNetwork(backbone.model, width=WIDTH, pooling="mean")
    spec = a_spec(backbone, name="tiny", inside=True)
    save_checkpoint(folder / "checkpoint", spec=spec, network=network, tokenizer=backbone.tokenizer)
    return folder / "checkpoint"


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may spoil."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def test_a_checkpoint_is_loaded_ready_to_annotate_and_knows_its_digest(tiny: Path) -> None:
    checkpoint = load_checkpoint(tiny, expected_digest=digest(tiny))
    encoded = checkpoint.encoder.encode([None], ["The lamp is great."])[0]
    ids = torch.tensor([encoded.token_ids])
    output = checkpoint.network(ids, torch.ones_like(ids))
    decoded = checkpoint.decode(output.logits)
    np.testing.assert_allclose(decoded["polarity"].sum(axis=1), 1, atol=1e-6)
    assert 0 <= decoded["intensity"][0] <= 1
    assert not checkpoint.network.training
    assert not any(parameter.requires_grad for parameter in checkpoint.network.parameters())


def test_the_digest_is_that_of_the_files_wherever_they_lie_and_whatever_is_told_of_them(
    copy: Path, tiny: Path
) -> None:
    (copy / "metrics.json").write_text("{}")
    (copy / "MODEL_CARD.md").write_text("# tiny")
    assert digest(copy) == digest(tiny)


def test_a_merged_adapter_answers_as_the_network_that_was_saved(tmp_path: Path) -> None:
    backbone = load_backbone(BUILTIN_MINILM)
    torch.manual_seed(0)
    spec = a_spec(backbone, name=BUILTIN_MINILM, inside=False)
    assert spec.adapter is not None
    network = OpinionNetwork(
        adapter.attach(backbone.model, spec.adapter), width=backbone.width, pooling="mean"
    )
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.02)
    save_checkpoint(tmp_path, spec=spec, network=network, tokenizer=backbone.tokenizer)
    loaded = load_checkpoint(tmp_path, dtype=torch.float32)
    ids = torch.randint(1000, 2000, (2, 12))
    with torch.no_grad():
        saved = network.eval()(ids, torch.ones_like(ids)).logits
        found = loaded.network(ids, torch.ones_like(ids)).logits
    torch.testing.assert_close(found["polarity"], saved["polarity"], atol=1e-3, rtol=0)
    assert not (tmp_path / "backbone").exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 4_000_000


def test_another_digest_than_the_expected_one_is_refused(tiny: Path) -> None:
    with pytest.raises(CheckpointError, match="expected 0000"):
        load_checkpoint(tiny, expected_digest="0" * 64)


@pytest.mark.parametrize("name", ["heads.safetensors", "tokenizer.json", "backbone/model.safetensors"])
def test_an_altered_file_is_refused_by_name(name: str, copy: Path) -> None:
    with (copy / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(CheckpointError, match=rf"{name} \(altered\)"):
        load_checkpoint(copy)


def test_a_missing_file_and_one_too_many_are_refused_by_name(copy: Path) -> None:
    (copy / "heads.safetensors").unlink()
    (copy / "added_tokens.json").write_text("{}")
    with pytest.raises(
        CheckpointError, match=r"added_tokens.json \(not listed\), heads.safetensors \(missing\)"
    ):
        load_checkpoint(copy)


def test_a_listing_that_is_missing_or_broken_is_refused(copy: Path) -> None:
    (copy / "digest.json").write_text("[]")
    with pytest.raises(CheckpointError, match="not the listing"):
        load_checkpoint(copy)
    (copy / "digest.json").unlink()
    with pytest.raises(CheckpointError, match=r"no digest\.json"):
        load_checkpoint(copy)


def test_pickle_weights_are_refused_before_anything_is_read(copy: Path) -> None:
    (copy / "heads.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: pickle weights"):
        load_checkpoint(copy)


def test_pickle_bytes_under_a_safe_name_are_refused(copy: Path) -> None:
    torch.save({"polarity.output.bias": torch.zeros(3)}, copy / "heads.safetensors")
    write_digest(copy)
    with pytest.raises(CheckpointError, match="not the heads"):
        load_checkpoint(copy)


def test_a_checkpoint_of_another_clean_version_is_refused(copy: Path) -> None:
    spec = json.loads((copy / "spec.json").read_text())
    (copy / "spec.json").write_text(json.dumps(spec | {"clean_version": CLEAN_VERSION + 1}))
    write_digest(copy)
    with pytest.raises(CheckpointError, match=f"clean version {CLEAN_VERSION + 1}"):
        load_checkpoint(copy)


def test_a_directory_that_is_not_there_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "absent")


def test_a_checkpoint_is_never_written_over_another(tiny: Path) -> None:
    backbone = load_backbone(BUILTIN_MINILM)
    network = OpinionNetwork(backbone.model, width=backbone.width, pooling="mean")
    spec = a_spec(backbone, name=BUILTIN_MINILM, inside=True)
    with pytest.raises(CheckpointError, match="not empty"):
        save_checkpoint(tiny, spec=spec, network=network, tokenizer=backbone.tokenizer)
