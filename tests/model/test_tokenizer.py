import json
from pathlib import Path

import pytest
from tiny import make_tokenizer

from reviewmine.errors import CheckpointError
from reviewmine.model.tokenizer import read_pad_id, read_tokenizer


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    make_tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_a_tokenizer_read_from_its_file_gives_the_ids_of_the_one_that_was_saved(saved: Path) -> None:
    text = "The lamp was SUPERB, and it is 42!"
    assert read_tokenizer(saved).encode(text).ids == make_tokenizer().encode(text)


@pytest.mark.parametrize("as_written", [lambda token: token, lambda token: {"content": token}])
def test_the_padding_id_is_that_of_the_token_named_in_the_config(saved: Path, as_written) -> None:
    config = saved / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"pad_token": as_written("[MASK]")}))
    assert read_pad_id(saved, read_tokenizer(saved)) == make_tokenizer().mask_token_id


def test_a_tokenizer_without_padding_pads_with_zero(saved: Path) -> None:
    (saved / "tokenizer_config.json").unlink()
    assert read_pad_id(saved, read_tokenizer(saved)) == 0


def test_a_missing_tokenizer_and_a_broken_one_are_named(saved: Path) -> None:
    (saved / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: "):
        read_tokenizer(saved)
    (saved / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json"):
        read_tokenizer(saved)
