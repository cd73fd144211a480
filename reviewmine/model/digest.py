"""The identity of a checkpoint: a digest over the files that decide what it answers, listed when it is written.

`metrics.json`, the model card and its notes only tell of a checkpoint; they may change and are not part of its digest.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reviewmine.errors import CheckpointError

DIGEST_FILE: Final = "digest.json"
METRICS_FILE: Final = "metrics.json"
CARD_FILE: Final = "MODEL_CARD.md"
NOTES_FILE: Final = "NOTES.md"
TELLING_ONLY = frozenset({DIGEST_FILE, METRICS_FILE, CARD_FILE, NOTES_FILE})
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt")


def write_digest(directory: Path) -> str:
    """List the files of the checkpoint in `directory` with their SHA-256, and return its digest."""
    files = _files(directory)
    listing = {"digest": _digest_of(files), "files": files}
    (directory / DIGEST_FILE).write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")
    return _digest_of(files)


def digest(directory: Path) -> str:
    """The digest of the checkpoint in `directory`, computed anew from its files.

    Raises CheckpointError, naming the files, if they are not those that the checkpoint was written with.
    """
    refuse_pickles(directory)
    try:
        listing = (directory / DIGEST_FILE).read_bytes()
    except FileNotFoundError:
        raise CheckpointError(
            f"{directory}: no {DIGEST_FILE}; the checkpoint is incomplete, copy it again"
        ) from None
    listed = _listed(listing, str(directory / DIGEST_FILE))
    found = _files(directory)
    differing = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if differing:
        what = ", ".join(f"{name} ({_difference(name, listed, found)})" for name in differing)
        raise CheckpointError(f"{directory}: {what}; a checkpoint is never edited: copy or train it again")
    return _digest_of(found)


def listed_digest(listing: bytes, *, where: str) -> str:
    """The digest that the listing of a checkpoint claims. Raises CheckpointError, naming `where`, if it is none."""
    return _digest_of(_listed(listing, where))


def _listed(listing: bytes, where: str) -> dict[str, str]:
    try:
        files: dict[str, str] = json.loads(listing)["files"]
        return {str(name): str(sha256) for name, sha256 in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{where}: not the listing of a checkpoint") from None


def _files(directory: Path) -> dict[str, str]:
    """The SHA-256, by relative name, of every file that decides what the checkpoint answers."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    names = {path.relative_to(directory).as_posix(): path for path in paths}
    return {name: sha256_of(path) for name, path in sorted(names.items()) if name not in TELLING_ONLY}


def _digest_of(files: Mapping[str, str]) -> str:
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _difference(name: str, listed: Mapping[str, str], found: Mapping[str, str]) -> str:
    return "missing" if name not in found else "not listed" if name not in listed else "altered"


def refuse_pickles(directory: Path) -> None:
    pickles = sorted(path.name for pattern in _PICKLES for path in directory.rglob(pattern))
    if pickles:
        raise CheckpointError(
            f"{directory}: {', '.join(pickles)}: pickle weights can run code when they are loaded and are refused; "
            "expected safetensors"
        )


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
