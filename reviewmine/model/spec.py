"""The spec of a checkpoint: everything but the weights that decides what it answers.

`spec.json` is read before any weight is; a format this edition does not know is refused, never guessed at.
"""

from pathlib import Path
from typing import Any, Final, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reviewmine.errors import CheckpointError
from reviewmine.labels import DEFAULT_INTENSITY_CUTS
from reviewmine.model.head_specs import OPINION_HEADS, Heads, Pooling
from reviewmine.model.tuning_spec import AdapterSpec, PrefixAdapter

SPEC_FORMAT: Final = 2
SPEC_FILE: Final = "spec.json"


class SpecModel(BaseModel):
    """The root of every part of a spec: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BackboneSpec(SpecModel):
    """The encoder under the heads: fetched by name and checked by digest, or carried whole in the checkpoint.

    Where it is `tuned` and not `inside`, the checkpoint carries those of its weights that training changed; where it
    has `added_tokens`, the rows of so many tokens behind those of its own vocabulary.
    """

    name: str
    revision: str | None = None
    sha256: str | None = None
    inside: bool = False
    tuned: bool = False
    added_tokens: int = Field(default=0, ge=0)


class TrainingSet(SpecModel):
    """One set the checkpoint was trained on, as its model card names it."""

    name: str
    licence: str
    citation: str = ""
    rows: int = Field(ge=0)
    """How many of its reviews, those that are read twice counted twice, were read in an epoch of the last run."""


class Training(SpecModel):
    """Where a checkpoint comes from: the sets, the run file's values, what the run saw and what it came to."""

    sets: tuple[TrainingSet, ...] = ()
    run: dict[str, Any] = Field(default_factory=dict)
    replayed_sets: tuple[dict[str, Any], ...] = ()
    """Sets of the checkpoint that training went on from, read again beside those of the run file."""
    unread_sets: tuple[dict[str, Any], ...] = ()
    """Its other sets: it learnt from them, and this run did not read them again."""
    natural_shares: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    sampled_shares: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Both by head of classes, in the order of its labels; natural ones where a set is like an archive."""
    comparable_shares: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """The sampled shares among rows in the languages of the natural sets; class weights apart, what decoding is
    corrected from."""
    trained_sha256: str | None = None
    """That of the tensors as the loop kept them."""


class Spec(SpecModel):
    """A whole checkpoint in words and numbers, weights apart."""

    format: Literal[2] = SPEC_FORMAT
    name: str
    backbone: BackboneSpec
    adapter: AdapterSpec | None = None
    pooling: Pooling = "mean"
    """How a review's vector is made of token states, for the heads that do not say it themselves."""
    heads: Heads = Field(default_factory=lambda: dict(OPINION_HEADS))
    intensity_cuts: tuple[float, float, float] = DEFAULT_INTENSITY_CUTS
    """Where intensity becomes medium, strong and extreme."""
    max_tokens: int = Field(ge=8)
    clean_version: int
    languages: tuple[str, ...]
    training: Training = Training()
    derived_from: str | None = None
    """The digest of the checkpoint that this one was made of without training, by merging."""
    continues: str | None = None
    """The digest of the checkpoint that training went on from."""

    @field_validator("intensity_cuts")
    @classmethod
    def _rise_inside_the_unit(cls, cuts: tuple[float, float, float]) -> tuple[float, float, float]:
        if not 0 < cuts[0] < cuts[1] < cuts[2] < 1:
            raise ValueError(f"cuts {cuts} must rise between 0 and 1")
        return cuts

    @model_validator(mode="after")
    def _weights_are_named_once(self) -> "Spec":
        if self.backbone.inside and self.backbone.tuned:
            raise ValueError("a backbone that is inside has all its weights there, tuned ones among them")
        if self.backbone.inside and self.backbone.added_tokens:
            raise ValueError(
                "a backbone that is inside has all its rows there, those of added tokens among them"
            )
        if self.backbone.inside and not isinstance(self.adapter, PrefixAdapter | None):
            raise ValueError("an adapter beside a backbone that is inside: merge it before it is saved")
        if not self.backbone.inside and self.backbone.sha256 is None:
            raise ValueError("a backbone that is not inside needs its sha256")
        return self


def read_spec(directory: Path) -> Spec:
    """The spec of the checkpoint in `directory`; CheckpointError if it is missing, unknown or malformed."""
    path = directory / SPEC_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"{directory}: no {SPEC_FILE}, so this is not a checkpoint") from None
    try:
        return Spec.model_validate_json(text)
    except pydantic.ValidationError as invalid:
        raise CheckpointError(f"{path}: {_first_fault(invalid)}") from None


def write_spec(spec: Spec, directory: Path) -> None:
    """Write `spec` as `directory`/spec.json, the same bytes for the same spec."""
    (directory / SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _first_fault(invalid: pydantic.ValidationError) -> str:
    faults = invalid.errors()
    for fault in faults:
        if fault["loc"] == ("format",):
            return (
                f"spec format {fault['input']!r}, but this edition reads format {SPEC_FORMAT}; "
                "use the edition of reviewmine that wrote the checkpoint, or train it again"
            )
    where = ".".join(str(part) for part in faults[0]["loc"]) or "the file"
    return f"{where}: {faults[0]['msg']}"
