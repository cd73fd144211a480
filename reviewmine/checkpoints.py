"""Checkpoints wherever they lie: built in, in a folder, or in object storage under their digest; brought here whole.

A checkpoint in object storage is `<somewhere>/<digest>`: pushed once, never altered, its listing put last, so that one
whose push broke off is seen to be incomplete. What is fetched is kept by digest, and verified before it is believed.
"""

import tempfile
from pathlib import Path
from typing import Final

from reviewmine.errors import CheckpointError
from reviewmine.model.digest import DIGEST_FILE, TELLING_ONLY, digest, listed_digest
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.store.filesystem import Location
from reviewmine.store.footers import user_cache
from reviewmine.store.opening import open_store

BUILTIN: Final = "builtin"
_PLACES: Final = "'builtin', the path of a checkpoint, or s3://bucket/prefix/DIGEST"


def is_remote(name: str | Path) -> bool:
    """Whether a checkpoint's name is that of a place in object storage."""
    return "://" in str(name) and Location.parse(name).scheme != "file"


def local_checkpoint(name: str | Path, *, expected_digest: str | None = None) -> Path:
    """The directory of the checkpoint called `name`, which is fetched if it is remote and not here yet.

    `name` is `builtin`, a path, or `s3://bucket/prefix/DIGEST`; what lies at a path is not verified here.
    Raises CheckpointError if a remote one is not there, is not whole or is not the one with `expected_digest`.
    """
    if name == BUILTIN:
        return builtin_checkpoint()
    if not is_remote(name):
        return Path(Location.parse(name).path)
    store = open_store(Location.parse(name))
    listing = store.get(DIGEST_FILE)
    if listing is None:
        raise CheckpointError(
            f"{name}: no {DIGEST_FILE} there; expected {_PLACES}; push the checkpoint (again)"
        )
    found = listed_digest(listing.body, where=f"{name}/{DIGEST_FILE}")
    if expected_digest not in (None, found):
        raise CheckpointError(f"{name}: digest is {found}, expected {expected_digest}")
    kept = _cache() / found
    return kept if kept.is_dir() else _fetched(str(name), found, kept)


def push(directory: Path, place: str) -> str:
    """Put the checkpoint in `directory` at `place`/DIGEST and return that name; what is there in full is left alone.

    Its metrics, card and notes, which may have grown since, are put again in any case.
    Raises CheckpointError if the directory is no whole checkpoint.
    """
    found = digest(directory)
    location = Location.parse(place)
    name = f"{location.uri.rstrip('/')}/{found}"
    store = open_store(Location.parse(name))
    files = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    listed = store.get(DIGEST_FILE)
    there = {} if listed is None else {one.name: one.num_bytes for one in store.list("")}
    for file in sorted(files, key=lambda file: file == DIGEST_FILE):
        body = (directory / file).read_bytes()
        if there.get(file) != len(body) or file in TELLING_ONLY:
            store.put(file, body)
    return name


def _fetched(name: str, wanted: str, kept: Path) -> Path:
    """Fetch the checkpoint `name` beside `kept`, verify it, and move it there; two that do so at once both succeed."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(Location.parse(name))
    with tempfile.TemporaryDirectory(prefix=f".{wanted[:12]}-", dir=kept.parent) as scratch:
        for one in store.list(""):
            body = store.get(one.name)
            if body is None:
                raise CheckpointError(f"{name}: {one.name} went away while it was read; fetch it again")
            target = Path(scratch, "checkpoint", one.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body.body)
        try:
            digest(Path(scratch, "checkpoint"))
        except CheckpointError as damaged:
            told = str(damaged).replace(f"{Path(scratch, 'checkpoint')}: ", "")
            raise CheckpointError(f"{name}: as fetched: {told}") from None
        try:
            Path(scratch, "checkpoint").rename(kept)
        except OSError:
            if not kept.is_dir():
                raise
    return kept


def _cache() -> Path:
    return user_cache() / "checkpoints"
