"""What can be known of a checkpoint without its weights: that it is whole, its spec, its digest, its text encoder.

Nothing here imports torch: a plan, a fresh rerun and the workers that prepare text do without it.
"""

from pathlib import Path

from reviewmine.errors import CheckpointError
from reviewmine.model.digest import DIGEST_FILE, digest, refuse_pickles
from reviewmine.model.head_specs import OPINION_HEADS
from reviewmine.model.spec import Spec, read_spec
from reviewmine.model.tokenizer import read_tokenizer
from reviewmine.text.clean import CLEAN_VERSION
from reviewmine.text.encode import TextEncoder


def builtin_checkpoint() -> Path:
    """The directory of the checkpoint that comes with the package."""
    folder = Path(__file__).resolve().parent.parent / "builtin"
    found = sorted(path.parent for path in folder.glob(f"*/{DIGEST_FILE}"))
    if len(found) != 1:
        raise CheckpointError(
            f"{folder}: {len(found)} checkpoints, expected the built-in one; reinstall reviewmine"
        )
    return found[0]


def inspect_checkpoint(directory: Path, *, expected_digest: str | None = None) -> tuple[Spec, str]:
    """The spec and digest of a checkpoint, every file of it verified, no weight loaded."""
    if not directory.is_dir():
        raise CheckpointError(f"{directory}: there is no such checkpoint directory")
    refuse_pickles(directory)
    spec = read_spec(directory)
    found = digest(directory)
    if expected_digest not in (None, found):
        raise CheckpointError(f"{directory}: digest is {found}, expected {expected_digest}")
    if spec.clean_version != CLEAN_VERSION:
        raise CheckpointError(
            f"{directory}: trained on text of clean version {spec.clean_version}, but this edition cleans by version "
            f"{CLEAN_VERSION}; train it again, or use the edition of reviewmine that made it"
        )
    return spec, found


def require_opinion_heads(spec: Spec, *, where: str) -> None:
    """Raise CheckpointError if the checkpoint at `where` lacks a head that annotations have a column of."""
    if missing := [name for name in OPINION_HEADS if name not in spec.heads]:
        raise CheckpointError(
            f"{where}: no head called {' or '.join(missing)}, found {', '.join(spec.heads)}; annotations need "
            f"{' and '.join(OPINION_HEADS)}: train a checkpoint whose run file has them"
        )


def load_text_encoder(directory: str | Path) -> TextEncoder:
    """The text encoder of a checkpoint alone, for workers that never load its network; its files must be verified."""
    spec = read_spec(Path(directory))
    return TextEncoder(read_tokenizer(Path(directory)), max_tokens=spec.max_tokens)
