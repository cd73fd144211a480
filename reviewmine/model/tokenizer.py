"""Tokenizers as files: what a checkpoint keeps of its tokenizer, read without torch or transformers.

Workers that only prepare text load nothing else of a checkpoint, and so start in a second rather than in ten.
"""

import json
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from reviewmine.errors import CheckpointError

TOKENIZER_FILE: Final = "tokenizer.json"
TOKENIZER_CONFIG_FILE: Final = "tokenizer_config.json"


def read_tokenizer(directory: Path) -> Tokenizer:
    """The fast tokenizer saved in `directory`. Raises CheckpointError if there is none that can be read."""
    path = directory / TOKENIZER_FILE
    if not path.is_file():
        raise CheckpointError(f"tokenizer in {directory}: no {TOKENIZER_FILE}; the checkpoint is incomplete")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as unusable:  # the library raises bare Exception, and only for what is in the file
        raise CheckpointError(f"{path}: {unusable}") from None


def read_pad_id(directory: Path, tokenizer: Tokenizer) -> int:
    """The id that `tokenizer`, saved in `directory`, fills short rows with; 0 where it names no such token."""
    path = directory / TOKENIZER_CONFIG_FILE
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    named = config.get("pad_token")
    token = named["content"] if isinstance(named, dict) else named
    found = tokenizer.token_to_id(token) if token else None
    return 0 if found is None else int(found)
