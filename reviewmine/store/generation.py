"""Generations: what a partition is to hold, and the proof that it was all made before any of it is published."""

from collections.abc import Callable
from dataclasses import dataclass

from reviewmine.errors import PublishError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.manifest import InputFile, Manifest, origin_of
from reviewmine.store.parts import Part, check_part
from reviewmine.store.receipts import Receipt


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What a partition is to hold: the receipts of every fragment that overlaps it, and the files they read.

    `planned_on` is the origin of what was live when it was planned; None where nobody looked. What another run made
    live since is not replaced: this one may have slept, and its plan be older than that.
    """

    partition: Partition
    result_key: str
    ingredients: dict[str, str]
    inputs: tuple[InputFile, ...]
    receipts: tuple[Receipt, ...]
    planned_on: str | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for receipt in self.receipts for part in receipt.parts_of(self.partition))

    def is_live_as(self, manifest: Manifest) -> bool:
        """Whether `manifest` was made from the same files, by the same means, out of the same parts.

        Out of its own parts, where another run annotated the same files meanwhile and was quicker.
        """
        is_wanted = manifest.origin == origin_of(self.result_key, self.inputs)
        return is_wanted and (manifest.parts == self.parts or self.is_overtaken_by(manifest))

    def is_overtaken_by(self, live: Manifest | None) -> bool:
        """Whether `live` is of another origin than what was live when this was planned."""
        return live is not None and self.planned_on is not None and live.origin != self.planned_on


def verify(store: Store, generation: Generation, *, keep: Callable[[], None] = lambda: None) -> None:
    """Raises PublishError unless the receipts cover each row of each input once and the parts are whole and alike.

    `keep` is called before each look at a part: there may be thousands, and a lease lives on its heartbeat.
    """
    _check_origin(generation)
    for file in generation.inputs:
        _check_cover(generation, file)
    for receipt in generation.receipts:
        receipt.check()
    schemas = []
    for part in generation.parts:
        keep()
        schemas.append((part.name, check_part(store, part)))
    for name, schema in schemas[1:]:
        if not schema.equals(schemas[0][1], check_metadata=True):
            raise PublishError(
                f"{name}: found schema {schema}, expected that of {schemas[0][0]}: {schemas[0][1]}"
            )


def check_erasures(generation: Generation, num_erasures: int) -> None:
    """Raises PublishError if a receipt was put before rows were erased, and not rewritten since."""
    for receipt in generation.receipts:
        if receipt.num_erasures != num_erasures:
            raise PublishError(
                f"partition {generation.partition}: {receipt.fragment.path}: was annotated before rows were erased; "
                "rerun to annotate it without them"
            )


def _check_origin(generation: Generation) -> None:
    """Every receipt is of this result, and of an input at the etag that it is wanted at."""
    etags = {file.path: file.etag for file in generation.inputs}
    for receipt in generation.receipts:
        fragment = receipt.fragment
        found = (receipt.result_key, fragment.etag)
        expected = (generation.result_key, etags.get(fragment.path, "none: it is no input"))
        if found != expected:
            raise PublishError(
                f"partition {generation.partition}: {fragment.path}: found a receipt of result {found[0]}, etag "
                f"{found[1]}; expected result {expected[0]}, etag {expected[1]}; rerun to plan it anew"
            )


def _check_cover(generation: Generation, file: InputFile) -> None:
    fragments = [receipt.fragment for receipt in generation.receipts if receipt.fragment.path == file.path]
    row = 0
    for fragment in sorted(fragments, key=lambda fragment: fragment.first_row):
        if fragment.first_row < row:
            raise PublishError(
                f"partition {generation.partition}: {file.path}: two receipts cover row {fragment.first_row}; "
                "expected each row once"
            )
        if fragment.first_row > row:
            break
        row = fragment.end_row
    if row != file.num_rows:
        raise PublishError(
            f"partition {generation.partition}: {file.path}: receipts cover rows 0 to {row}, expected "
            f"{file.num_rows}; rerun to annotate the rest"
        )
